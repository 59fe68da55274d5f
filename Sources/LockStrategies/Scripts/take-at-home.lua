-- take-at-home: as lua-atomic, on the bucket to which units are gathered; says whether the others are known empty.
-- KEYS[1] stock          string, a whole number
-- KEYS[2] reservations   hash, reservation id -> "units:stock after"; "ended:" as older versions wrote it
-- KEYS[3] epoch          string, which filling of the stock this is; may be missing
-- KEYS[4] ended          string; there after this reservation ended without a sale
-- KEYS[5] drained        string; there while the other buckets are known to be empty
-- ARGV[1] reservation id
-- ARGV[2] units, at least 1
-- Replies {1, stock after, epoch, 0}      reserved, or was reserved by this id before
--         {0, stock, epoch, drained 0|1}  too few here, nothing changed
--         {-1, 0, epoch, 0}               the stock key is missing
--         {-2, 0, epoch, 0}               the stock, or the record of this id, is no whole number of at most 15 digits
--         {-3, 0, epoch, 0}               this reservation was ended before; nothing changed
local epoch = redis.call('GET', KEYS[3]) or ''
local open = redis.call('HGET', KEYS[2], ARGV[1])
if open then
  if string.sub(open, 1, 6) == 'ended:' then
    return {-3, 0, epoch, 0}
  end
  local after = tonumber(string.match(open, ':(-?%d+)$') or '')
  if not after then
    return {-2, 0, epoch, 0}
  end
  return {1, after, epoch, 0}
end
if redis.call('EXISTS', KEYS[4]) == 1 then
  return {-3, 0, epoch, 0}
end
local stock = redis.call('GET', KEYS[1])
if not stock then
  return {-1, 0, epoch, 0}
end
local digits = string.match(stock, '^-?(%d+)$')
if not digits or #digits > 15 then
  return {-2, 0, epoch, 0}
end
local left = tonumber(stock)
local units = tonumber(ARGV[2])
if left < units then
  return {0, left, epoch, redis.call('EXISTS', KEYS[5])}
end
-- The record first: if it cannot be written, the script ends here and the stock is as before.
redis.call('HSET', KEYS[2], ARGV[1], string.format('%d:%d', units, left - units))
redis.call('DECRBY', KEYS[1], units)
return {1, left - units, epoch, 0}
