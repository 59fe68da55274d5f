-- close-stock: take a stock off sale before its buckets are filled anew.
-- KEYS[1] stock   string, a whole number
-- KEYS[2] epoch   string, "origin:number" of the filling; may be missing
-- ARGV[1] origin of the new epoch
-- ARGV[2] number of the new epoch
-- Replies 1 closed; 0 this filling or a newer one is there; -1 the stock is of another origin. 0 and -1 change nothing
local text = redis.pcall('GET', KEYS[2])
local origin, number
if type(text) == 'string' then
  origin, number = string.match(text, '^(.*):(%d+)$')
end
-- What names no filling, or is of another type, protects nothing.
if origin and tonumber(number) <= 8589934591 then
  if origin ~= ARGV[1] then
    return -1
  end
  if tonumber(number) >= tonumber(ARGV[2]) then
    return 0
  end
end
redis.call('DEL', KEYS[1])
return 1
