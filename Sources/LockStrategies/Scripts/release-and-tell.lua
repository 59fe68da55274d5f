-- release-and-tell: delete a lock, if this token still owns it, and tell those who wait for it.
-- KEYS[1] lock    string, the owner's token
-- ARGV[1] token
-- ARGV[2] another token, optional: the lock is deleted if either of the two owns it
-- Replies 1 deleted; 0 nobody holds the lock; -1 somebody else holds it
-- Publishes to the channel "<lock>:released" in the same step as the deletion.
local owner = redis.call('GET', KEYS[1])
if not owner then
  return 0
end
if owner ~= ARGV[1] and owner ~= ARGV[2] then
  return -1
end
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', KEYS[1] .. ':released', '')
return 1
