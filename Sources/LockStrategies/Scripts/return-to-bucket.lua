-- return-to-bucket: end a reservation without a sale; its units wait in the bucket for the next move.
-- They do not go back to the bucket's stock: a bucket that was short for a reservation stays short for it.
-- The mark that it leaves refuses the id from now on, also when the reservation itself comes after its return.
-- KEYS[1] reservations   hash, reservation id -> "units:stock after"; "ended:" as older versions wrote it
-- KEYS[2] moves          hash: n, units, returned
-- KEYS[3] ended          string; there after this reservation ended without a sale
-- ARGV[1] reservation id
-- ARGV[2] how long the mark stands, ms
-- Replies the units that came back; 0 when the reservation is not open here
local open = redis.call('HGET', KEYS[1], ARGV[1])
if (open and string.sub(open, 1, 6) == 'ended:') or redis.call('EXISTS', KEYS[3]) == 1 then
  return 0
end
local units = 0
if open then
  units = tonumber(string.match(open, '^(%d+)'))
  redis.call('HINCRBY', KEYS[2], 'returned', units)
end
redis.call('SET', KEYS[3], '1', 'PX', ARGV[2])
redis.call('HDEL', KEYS[1], ARGV[1])
return units
