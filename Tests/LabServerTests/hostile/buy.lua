-- Buys on every connection, in turn of two products: one that lasts, and one that sells out on the way.
-- Environment: LAB_TOKEN, LAB_PRODUCTS (two numbers with a comma between).

local counts = {}
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  local headers = {
    ['Authorization'] = 'Bearer ' .. os.getenv('LAB_TOKEN'),
    ['Content-Type'] = 'application/json',
  }
  requests = {}
  for product in string.gmatch(os.getenv('LAB_PRODUCTS'), '%d+') do
    local body = '{"product_id":' .. product .. ',"quantity":1}'
    table.insert(requests, wrk.format('POST', '/api/purchases', headers, body))
  end
  turn = 0
  statuses = ''
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function response(status)
  counts[status] = (counts[status] or 0) + 1
  -- Only texts and numbers can be read from outside the thread.
  if counts[status] == 1 then statuses = statuses .. status .. ' ' end
  _G['count_' .. status] = counts[status]
end

function done(summary)
  local total = {}
  for _, thread in ipairs(threads) do
    for status in string.gmatch(thread:get('statuses'), '%d+') do
      total[status] = (total[status] or 0) + thread:get('count_' .. status)
    end
  end
  for status, count in pairs(total) do print('answers ' .. status .. ' ' .. count) end
  local errors = summary.errors
  print('errors connect ' .. errors.connect .. ' read ' .. errors.read .. ' write ' .. errors.write ..
    ' timeout ' .. errors.timeout)
end
