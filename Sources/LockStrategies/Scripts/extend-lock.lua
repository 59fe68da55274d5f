-- extend-lock: give a lock a new time to live, if this token still owns it.
-- KEYS[1] lock    string, the owner's token
-- ARGV[1] token
-- ARGV[2] time to live, ms
-- Replies 1 extended; 0 nobody holds the lock; -1 somebody else holds it
local owner = redis.call('GET', KEYS[1])
if not owner then
  return 0
end
if owner ~= ARGV[1] then
  return -1
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
