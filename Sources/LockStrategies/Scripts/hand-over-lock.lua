-- hand-over-lock: give a lock to another token, if this token still owns it.
-- KEYS[1] lock    string, the owner's token
-- ARGV[1] token
-- ARGV[2] the next owner's token
-- ARGV[3] the next owner's time to live, ms
-- Replies 1 handed over; 0 nobody holds the lock; -1 somebody else holds it
local owner = redis.call('GET', KEYS[1])
if not owner then
  return 0
end
if owner ~= ARGV[1] then
  return -1
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
