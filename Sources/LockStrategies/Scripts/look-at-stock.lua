-- look-at-stock: a stock, or one bucket of it, as it is at one moment.
-- KEYS[1] stock          string, a whole number
-- KEYS[2] reservations   hash, reservation id -> "units:stock after", or "ended:"
-- KEYS[3] epoch          string, which filling of the stock this is; may be missing
-- KEYS[4] moves          hash: n (number of the last move), units (of the open move), returned (came back here)
-- KEYS[5] moved          hash, bucket -> number of its last move that arrived
-- Replies {stock or nil, epoch, reservations, moves, moved}, the last three as lists of field and value in turn
return {
  redis.call('GET', KEYS[1]), redis.call('GET', KEYS[3]) or '',
  redis.call('HGETALL', KEYS[2]), redis.call('HGETALL', KEYS[4]), redis.call('HGETALL', KEYS[5])
}
