-- read-stock: the read of a read-decide-write: the stock, its epoch, and what is recorded under the reservation's id.
-- KEYS[1] stock          string, a whole number
-- KEYS[2] reservations   hash, reservation id -> "units:stock after"; "ended:" as older versions wrote it
-- KEYS[3] epoch          string, which filling of the stock this is; may be missing
-- KEYS[4] ended          string; there after this reservation ended without a sale
-- ARGV[1] reservation id
-- Replies {stock, record, epoch}; stock and record are nil where there is none; "ended:" for one that ended
local record = redis.call('HGET', KEYS[2], ARGV[1])
if not record and redis.call('EXISTS', KEYS[4]) == 1 then
  record = 'ended:'
end
return {redis.call('GET', KEYS[1]), record, redis.call('GET', KEYS[3]) or ''}
