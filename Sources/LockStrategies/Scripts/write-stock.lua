-- write-stock: the write of a read-decide-write: the stock that the client computed, and the reservation.
-- It does not look at the stock: that nobody else wrote it meanwhile is the lock's promise, not the script's.
-- KEYS[1] stock          string, a whole number
-- KEYS[2] reservations   hash, reservation id -> "units:stock after"
-- ARGV[1] reservation id
-- ARGV[2] units
-- ARGV[3] the new stock
-- Replies the stock after the reservation; nothing is written when the id is recorded already
local open = redis.call('HGET', KEYS[2], ARGV[1])
if open then
  return tonumber(string.match(open, ':(-?%d+)$'))
end
-- The record first: if it cannot be written, the script ends here and the stock is as before.
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2] .. ':' .. ARGV[3])
redis.call('SET', KEYS[1], ARGV[3])
return tonumber(ARGV[3])
