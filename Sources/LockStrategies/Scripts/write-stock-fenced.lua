-- write-stock-fenced: the write of a read-decide-write, refused unless the writer's grant is the newest.
-- Every grant's number counts, also one whose holder has not written yet: it may have read the stock already.
-- KEYS[1] stock          string, a whole number
-- KEYS[2] reservations   hash, reservation id -> "units:stock after"; "ended:" as older versions wrote it
-- KEYS[3] epoch          string, which filling of the stock this is; may be missing
-- KEYS[4] ended          string; there after this reservation ended without a sale
-- KEYS[5] fence          string, the number of the newest grant
-- ARGV[1] reservation id
-- ARGV[2] units
-- ARGV[3] the new stock
-- ARGV[4] the epoch that was read with the old stock
-- ARGV[5] the writer's fence
-- Replies {1, stock after}   written, or recorded under this id before
--         {0, newest fence}  refused, nothing changed: another grant is the newest, or none is known (0)
--         {-3, 0}            this reservation was ended before; nothing changed
--         {-4, 0}            the stock was filled anew since it was read; nothing changed
local newest = tonumber(redis.call('GET', KEYS[5]) or '0')
if newest ~= tonumber(ARGV[5]) then
  return {0, newest}
end
local open = redis.call('HGET', KEYS[2], ARGV[1])
if open then
  if string.sub(open, 1, 6) == 'ended:' then
    return {-3, 0}
  end
  return {1, tonumber(string.match(open, ':(-?%d+)$'))}
end
if redis.call('EXISTS', KEYS[4]) == 1 then
  return {-3, 0}
end
if (redis.call('GET', KEYS[3]) or '') ~= ARGV[4] then
  return {-4, 0}
end
-- The record first: if it cannot be written, the script ends here and the stock is as before.
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2] .. ':' .. ARGV[3])
redis.call('SET', KEYS[1], ARGV[3])
return {1, tonumber(ARGV[3])}
