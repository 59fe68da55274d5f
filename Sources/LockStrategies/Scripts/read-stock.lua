-- read-stock: the read of a read-decide-write: the stock, its epoch, and what is recorded under the reservation's id.
-- KEYS[1] stock          string, a whole number
-- KEYS[2] reservations   hash, reservation id -> "units:stock after", or "ended:"
-- KEYS[3] epoch          string, which filling of the stock this is; may be missing
-- ARGV[1] reservation id
-- Replies {stock, record, epoch}; stock and record are nil where there is none
return {redis.call('GET', KEYS[1]), redis.call('HGET', KEYS[2], ARGV[1]), redis.call('GET', KEYS[3]) or ''}
