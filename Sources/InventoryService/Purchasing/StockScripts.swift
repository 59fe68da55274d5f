import RedisClient

/// The scripts of ``StockStore``. Each is one atomic step on the keys of one product.
enum StockScripts {
    /// Changes the stock, never below zero.
    static let adjust = RedisScript(
        name: "adjust-stock",
        source: """
            -- KEYS[1] stock   ARGV[1] units to add, may be negative
            -- Replies {1, stock after}  {0, stock} would be negative  {-1, 0} missing  {-2, 0} not a number
            local stock = redis.call('GET', KEYS[1])
            if not stock then
              return {-1, 0}
            end
            if not string.match(stock, '^-?%d+$') then
              return {-2, 0}
            end
            local after = tonumber(stock) + tonumber(ARGV[1])
            if after < 0 then
              return {0, tonumber(stock)}
            end
            return {1, redis.call('INCRBY', KEYS[1], ARGV[1])}
            """)

    /// Ends a reservation without a sale: its units go back to the stock exactly once.
    static let giveBack = RedisScript(
        name: "give-back-reservation",
        source: """
            -- KEYS[1] stock   KEYS[2] reservations   ARGV[1] reservation id
            -- Replies the units that went back, 0 when the reservation is not open
            local open = redis.call('HGET', KEYS[2], ARGV[1])
            if not open then
              return 0
            end
            local units = string.match(open, '^(%d+)')
            if redis.call('HDEL', KEYS[2], ARGV[1]) == 1 then
              if redis.call('EXISTS', KEYS[1]) == 1 then
                redis.call('INCRBY', KEYS[1], units)
              end
              return tonumber(units)
            end
            return 0
            """)
}
