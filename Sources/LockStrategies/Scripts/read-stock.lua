-- read-stock: the read of a read-decide-write: the stock, and what is recorded under the reservation's id.
-- KEYS[1] stock          string, a whole number
-- KEYS[2] reservations   hash, reservation id -> "units:stock after"
-- ARGV[1] reservation id
-- Replies {stock, record}, each nil where there is none
return {redis.call('GET', KEYS[1]), redis.call('HGET', KEYS[2], ARGV[1])}
