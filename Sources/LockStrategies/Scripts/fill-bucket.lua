-- fill-bucket: fill one bucket of a closed stock anew; what was reserved from it or on its way out is void.
-- KEYS[1] stock          string, a whole number
-- KEYS[2] reservations   hash, reservation id -> "units:stock after"; "ended:" as older versions wrote it
-- KEYS[3] epoch          string, "origin:number" of the filling; may be missing
-- KEYS[4] moves          hash: n (number of the last move), units, returned
-- ARGV[1] origin of the new epoch
-- ARGV[2] number of the new epoch
-- ARGV[3] units
-- Replies {1, number of the last move}  filled; moves up to this number are void
--         {0, 0} this filling or a newer one is there; {-1, 0} the stock is of another origin: nothing changed
local text = redis.pcall('GET', KEYS[3])
local origin, number
if type(text) == 'string' then
  origin, number = string.match(text, '^(.*):(%d+)$')
end
-- What names no filling, or is of another type, protects nothing.
if origin and tonumber(number) <= 8589934591 then
  if origin ~= ARGV[1] then
    return {-1, 0}
  end
  if tonumber(number) >= tonumber(ARGV[2]) then
    return {0, 0}
  end
end
-- Numbers rise over fillings too, also where the last one was lost.
local found = redis.pcall('HGET', KEYS[4], 'n')
if type(found) ~= 'string' then
  -- Missing, or of another type.
  redis.call('DEL', KEYS[4])
  found = '0'
end
local last = tonumber(string.match(found, '^%d+$') or '0')
if last > 9007199254740992 then
  last = 0
end
last = math.max(last, tonumber(ARGV[2]) * 1048576)
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[4], 'n', string.format('%.0f', last), 'units', 0, 'returned', 0)
redis.call('SET', KEYS[1], ARGV[3])
redis.call('SET', KEYS[3], ARGV[1] .. ':' .. ARGV[2])
return {1, last}
