-- remove-ended-marks: removes one slice of the marks that older versions left among the open reservations.
-- KEYS[1] reservations   hash, reservation id -> "units:stock after"; "ended:" as older versions wrote it
-- ARGV[1] where to go on: the cursor of the reply before, or 0
-- Replies the next cursor, which is 0 when every slice was seen. A key of another type has no marks.
local slice = redis.pcall('HSCAN', KEYS[1], ARGV[1], 'COUNT', 1000)
if slice.err then
  if string.sub(slice.err, 1, 9) == 'WRONGTYPE' then return '0' end
  return slice
end
local marks = {}
for index = 1, #slice[2], 2 do
  if string.sub(slice[2][index + 1], 1, 6) == 'ended:' then marks[#marks + 1] = slice[2][index] end
end
for first = 1, #marks, 1000 do
  redis.call('HDEL', KEYS[1], unpack(marks, first, math.min(first + 999, #marks)))
end
return slice[1]
