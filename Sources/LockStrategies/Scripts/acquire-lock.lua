-- acquire-lock: take a lock.
-- KEYS[1] lock    string, the owner's token
-- ARGV[1] token
-- ARGV[2] time to live, ms
-- Replies 1 taken by this call; 0 somebody holds the lock
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return 1
end
return 0
