-- acquire-fenced: take a lock and mint the number of this grant, in one step.
-- KEYS[1] lock    string, the owner's token
-- KEYS[2] fence   string, the number of the newest grant; one key a lock, overwritten by each grant
-- ARGV[1] token
-- ARGV[2] time to live, ms
-- ARGV[3] where numbering starts when the fence key is missing; -1: not known to the client
-- Replies the number; 0 somebody holds the lock; -1 the fence key is missing and so is the start
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
if redis.call('EXISTS', KEYS[2]) == 0 then
  if ARGV[3] == '-1' then
    return -1
  end
  redis.call('SET', KEYS[2], ARGV[3])
end
local fence = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return fence
