-- release-lock: delete a lock, if this token still owns it.
-- KEYS[1] lock    string, the owner's token
-- ARGV[1] token
-- Replies 1 deleted; 0 nobody holds the lock; -1 somebody else holds it
local owner = redis.call('GET', KEYS[1])
if not owner then
  return 0
end
if owner ~= ARGV[1] then
  return -1
end
redis.call('DEL', KEYS[1])
return 1
