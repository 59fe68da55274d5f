-- move-in: let a move arrive, once however often it is brought.
-- KEYS[1] stock     string, a whole number
-- KEYS[2] moved     hash, bucket -> number of its last move that arrived
-- KEYS[3] drained   string; gone as soon as units arrive
-- ARGV[1] bucket
-- ARGV[2] number of the move
-- ARGV[3] units
-- Replies 1 arrived; 0 had arrived before; -1 the stock key is missing, nothing changed
if redis.call('EXISTS', KEYS[1]) == 0 then
  return -1
end
redis.call('DEL', KEYS[3])
if tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0') >= tonumber(ARGV[2]) then
  return 0
end
redis.call('INCRBY', KEYS[1], ARGV[3])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return 1
