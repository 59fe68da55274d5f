-- move-out: take all units out of a bucket and keep them as a numbered move until it has arrived.
-- One move a bucket at a time: while one is open, everybody is told that one, and may finish it.
-- KEYS[1] stock    string, a whole number
-- KEYS[2] moves    hash: n (number of the last move), units (of the open move), returned (came back here)
-- Replies {number, units}  the open move
--         {0, 0}           nothing to move
--         {-1, 0}          the stock key is missing
--         {-2, 0}          the stock is no whole number of at most 15 digits
local stock = redis.call('GET', KEYS[1])
if not stock then
  return {-1, 0}
end
if not string.match(stock, '^%d+$') or #stock > 15 then
  return {-2, 0}
end
local number = tonumber(redis.call('HGET', KEYS[2], 'n') or '0')
local units = tonumber(redis.call('HGET', KEYS[2], 'units') or '0')
if units > 0 then
  return {number, units}
end
units = tonumber(stock) + tonumber(redis.call('HGET', KEYS[2], 'returned') or '0')
if units == 0 then
  return {0, 0}
end
redis.call('HSET', KEYS[2], 'n', number + 1, 'units', units, 'returned', 0)
redis.call('SET', KEYS[1], 0)
return {number + 1, units}
