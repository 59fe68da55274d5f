-- return-reservation: end a reservation without a sale; its units go back to the stock, exactly once.
-- The mark that it leaves refuses the id from now on, also when the reservation itself comes after its return.
-- KEYS[1] stock          string, a whole number
-- KEYS[2] reservations   hash, reservation id -> "units:stock after"; "ended:" as older versions wrote it
-- KEYS[3] ended          string; there after this reservation ended without a sale
-- KEYS[4] fence          optional: string, the number of the newest grant of the lock
-- ARGV[1] reservation id
-- ARGV[2] how long the mark stands, ms
-- ARGV[3] the caller's fence, with KEYS[4]
-- Replies the units that went back; 0 when the reservation is not open; -1 when another grant is the newest.
--         A missing stock stays missing: the record goes, nothing is added.
if KEYS[4] and tonumber(redis.call('GET', KEYS[4]) or '0') ~= tonumber(ARGV[3]) then
  return -1
end
local open = redis.call('HGET', KEYS[2], ARGV[1])
if (open and string.sub(open, 1, 6) == 'ended:') or redis.call('EXISTS', KEYS[3]) == 1 then
  return 0
end
local units = 0
if open then
  units = tonumber(string.match(open, '^(%d+)'))
end
-- The stock first: if it cannot be changed, the script ends here and the record stays. Adding 0 is a change for
-- those who watch the stock: they must not commit what they read before the mark.
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('INCRBY', KEYS[1], units)
end
redis.call('SET', KEYS[3], '1', 'PX', ARGV[2])
redis.call('HDEL', KEYS[2], ARGV[1])
return units
