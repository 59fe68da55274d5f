-- offer-units: record new supply as an open reservation, whose return will put it into the stock.
-- So supply reaches the stock under the same protection as a return, and once.
-- KEYS[1] reservations   hash, reservation id -> "units:stock after"; "ended:" as older versions wrote it
-- KEYS[2] epoch          string, which filling of the stock this is; may be missing
-- KEYS[3] ended          string; there after this reservation ended without a sale
-- ARGV[1] reservation id
-- ARGV[2] units
-- ARGV[3] the epoch to which the units belong
-- Replies 1 recorded, or was before; 0 ended before; -1 another filling is there: nothing changed
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[3] then
  return -1
end
local open = redis.call('HGET', KEYS[1], ARGV[1])
if (open and string.sub(open, 1, 6) == 'ended:') or redis.call('EXISTS', KEYS[3]) == 1 then
  return 0
end
if not open then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ':0')
end
return 1
