-- fill-stock: fill a stock anew; what was reserved from it before is void.
-- KEYS[1] stock          string, a whole number
-- KEYS[2] reservations   hash, reservation id -> "units:stock after"; "ended:" as older versions wrote it
-- KEYS[3] epoch          string, "origin:number" of the filling; may be missing
-- KEYS[4] moved          hash, bucket -> number of its last move that arrived
-- KEYS[5] drained        string; there while the other buckets are known to be empty
-- KEYS[6] moves          of this bucket, which has none: only somebody else can have written there
-- ARGV[1] origin of the new epoch
-- ARGV[2] number of the new epoch
-- ARGV[3] units
-- ARGV[4...] bucket, number of its last move that is void, and so on in pairs
-- Replies 1 filled; 0 this filling or a newer one is there; -1 the stock is of another origin. 0 and -1 change nothing
local text = redis.pcall('GET', KEYS[3])
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
redis.call('DEL', KEYS[2], KEYS[4], KEYS[5], KEYS[6])
for index = 4, #ARGV, 2 do
  redis.call('HSET', KEYS[4], ARGV[index], ARGV[index + 1])
end
redis.call('SET', KEYS[1], ARGV[3])
redis.call('SET', KEYS[3], ARGV[1] .. ':' .. ARGV[2])
return 1
