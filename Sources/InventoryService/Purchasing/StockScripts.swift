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
}
