-- acquire-or-remaining: take a lock, or say how long it can still be held without being extended.
-- KEYS[1] lock    string, the owner's token
-- ARGV[1] token
-- ARGV[2] time to live, ms
-- Replies 1   taken by this call
--         -ms somebody else's, for that long at most unless it is extended
--         0   somebody else's, and no end is set
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return 1
end
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  return 0
end
return -math.max(left, 1)
