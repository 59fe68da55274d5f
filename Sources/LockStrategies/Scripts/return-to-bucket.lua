-- return-to-bucket: end a reservation without a sale; its units wait in the bucket for the next move.
-- They do not go back to the bucket's stock: a bucket that was short for a reservation stays short for it.
-- KEYS[1] reservations   hash, reservation id -> "units:stock after"
-- KEYS[2] moves          hash: n, units, returned
-- ARGV[1] reservation id
-- Replies the units that came back; 0 when the reservation is not open here
local open = redis.call('HGET', KEYS[1], ARGV[1])
if not open then
  return 0
end
local units = string.match(open, '^(%d+)')
redis.call('HINCRBY', KEYS[2], 'returned', units)
redis.call('HDEL', KEYS[1], ARGV[1])
return tonumber(units)
