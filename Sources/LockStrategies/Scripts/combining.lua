-- combining: take several reservations from one stock, in their order, in one atomic step.
-- KEYS[1] stock          string, a whole number
-- KEYS[2] reservations   hash, reservation id -> "units:stock after"; "ended:" as older versions wrote it
-- KEYS[3] epoch          string, which filling of the stock this is; may be missing
-- KEYS[4...] ended       for each pair, in order: string; there after this reservation ended without a sale
-- ARGV    reservation id, units (at least 1), and so on in pairs
-- Replies the epoch, then for each pair, in order, a code and a stock:
--         1, stock after  reserved, or was reserved by this id before
--         0, stock        sold out, nothing changed
--         -1, 0           the stock key is missing
--         -2, 0           the stock, or the record of this id, is no whole number of at most 15 digits
--         -3, 0           this reservation was ended before; nothing changed
local text = redis.call('GET', KEYS[1])
local left = nil
local digits = text and string.match(text, '^-?(%d+)$')
if digits and #digits <= 15 then
  left = tonumber(text)
end
local before = left
local replies = {redis.call('GET', KEYS[3]) or ''}
for index = 1, #ARGV, 2 do
  local id = ARGV[index]
  local units = tonumber(ARGV[index + 1])
  local open = redis.call('HGET', KEYS[2], id)
  local code
  local shown = left or 0
  if open and string.sub(open, 1, 6) == 'ended:' then
    code = -3
    shown = 0
  elseif open then
    local after = tonumber(string.match(open, ':(-?%d+)$') or '')
    code = after and 1 or -2
    shown = after or 0
  elseif redis.call('EXISTS', KEYS[3 + (index + 1) / 2]) == 1 then
    code = -3
    shown = 0
  elseif not text then
    code = -1
  elseif not left then
    code = -2
  elseif left < units then
    code = 0
  else
    left = left - units
    redis.call('HSET', KEYS[2], id, string.format('%d:%d', units, left))
    code = 1
    shown = left
  end
  replies[index + 1] = code
  replies[index + 2] = shown
end
if left and left < before then
  redis.call('DECRBY', KEYS[1], before - left)
end
return replies
