-- drop-stock: forget a stock, or one bucket of it.
-- KEYS[1] epoch   string, "origin:number" of the filling; may be missing
-- KEYS[2...]      what is forgotten with it
-- ARGV[1] origin of the caller
-- Replies 1 forgotten; -1 the stock is of another origin, nothing changed
local text = redis.call('GET', KEYS[1])
if text and string.match(text, '^(.*):%d+$') ~= ARGV[1] then
  return -1
end
redis.call('DEL', unpack(KEYS))
return 1
