-- look-at-stock: a stock, or one bucket of it, as it is at one moment.
-- KEYS[1] stock          string, a whole number
-- KEYS[2] reservations   hash, reservation id -> "units:stock after"; "ended:" as older versions wrote it
-- KEYS[3] epoch          string, which filling of the stock this is; may be missing
-- KEYS[4] moves          hash: n (number of the last move), units (of the open move), returned (came back here)
-- KEYS[5] moved          hash, bucket -> number of its last move that arrived
-- ARGV[1] 'all', or 'units' for the units alone: the reservations, which may be many, are left out then
-- Replies {stock or nil, epoch, reservations, moves, moved}, the last three as lists of field and value in turn
-- A key of another type makes the stock '', which is no number: it is to be filled anew, and that replaces the key.
local isWhole = true
local function look(command, key, instead)
  local found = redis.pcall(command, key)
  if type(found) == 'table' and found.err then
    isWhole = false
    return instead
  end
  return found
end
local stock = look('GET', KEYS[1], '')
local epoch = look('GET', KEYS[3], '') or ''
local records = {}
if ARGV[1] == 'all' then
  records = look('HGETALL', KEYS[2], {})
end
local moves = look('HGETALL', KEYS[4], {})
local moved = look('HGETALL', KEYS[5], {})
if not isWhole then
  stock = ''
end
return {stock, epoch, records, moves, moved}
