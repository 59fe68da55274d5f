-- What wrk sends. With PRODUCT: purchases of one unit of that product, by the buyers whose tokens are the lines of the
-- file TOKENS, in turn. Without: the address as it is. The last line is for load.py: requests, answers from 400 on,
-- requests without an answer, length in microseconds, median and 99th percentile in microseconds.
local product = os.getenv("PRODUCT")

if product then
    local buyers, at = {}, 0

    function init()
        local body = string.format('{"product_id":%s,"quantity":1}', product)
        for token in io.lines(os.getenv("TOKENS")) do
            local headers = { ["Authorization"] = "Bearer " .. token, ["Content-Type"] = "application/json" }
            buyers[#buyers + 1] = wrk.format("POST", "/api/purchases", headers, body)
        end
    end

    function request()
        at = at % #buyers + 1
        return buyers[at]
    end
end

function done(summary, latency)
    local errors = summary.errors
    local unanswered = errors.connect + errors.read + errors.write + errors.timeout
    io.write(string.format("RESULT %d %d %d %d %d %d\n", summary.requests, errors.status, unanswered, summary.duration,
        latency:percentile(50), latency:percentile(99)))
end
