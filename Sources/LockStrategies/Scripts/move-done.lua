-- move-done: close a move that has arrived.
-- KEYS[1] moves    hash: n (number of the last move), units (of the open move), returned
-- ARGV[1] number of the move
-- Replies 1 closed; 0 another move is open, or none
if redis.call('HGET', KEYS[1], 'n') ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[1], 'units', 0)
return 1
