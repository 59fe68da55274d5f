package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/gomodule/redigo/redis"
)

// taken says how a try to take units from the stock ended.
type taken int

const (
	reserved taken = iota
	soldOut
	unknownProduct
	contended
)

// As many connections as there are buyers, and a few more.
const connections = 128

const redisTimeout = 3 * time.Second

// takeByScript replies 1: taken, 0: too few are left, -1: there is no such stock.
var takeByScript = redis.NewScript(1, `
local left = tonumber(redis.call('GET', KEYS[1]) or -1)
if left < 0 then return -1 end
if left < tonumber(ARGV[1]) then return 0 end
redis.call('DECRBY', KEYS[1], ARGV[1])
return 1`)

// stock holds what is left of each product, in Redis.
type stock struct {
	pool *redis.Pool
	lock lock // nil: one script checks and takes
}

func openPool(url string, timeout time.Duration) (*redis.Pool, error) {
	options := []redis.DialOption{
		redis.DialConnectTimeout(timeout), redis.DialReadTimeout(timeout), redis.DialWriteTimeout(timeout),
	}
	pool := &redis.Pool{
		Dial:    func() (redis.Conn, error) { return redis.DialURL(url, options...) },
		MaxIdle: connections, MaxActive: connections, Wait: true,
	}
	conn := pool.Get()
	defer conn.Close()
	if _, err := conn.Do("PING"); err != nil {
		return nil, fmt.Errorf("redis at %s: %w", url, err)
	}
	return pool, nil
}

func openStock(strategy string, urls []string) (*stock, error) {
	pool, err := openPool(urls[0], redisTimeout)
	if err != nil {
		return nil, err
	}
	s := &stock{pool: pool}
	switch strategy {
	case "backoff":
		s.lock = keyLock{pool}
	case "redlock":
		nodes := make([]*redis.Pool, len(urls)-1)
		for i, url := range urls[1:] {
			if nodes[i], err = openPool(url, nodeTimeout); err != nil {
				return nil, err
			}
		}
		s.lock = newMajorityLock(nodes)
	}
	return s, nil
}

func stockKey(product int64) string { return "stock:" + strconv.FormatInt(product, 10) }

// put sets the stock of a product.
func (s *stock) put(product, units int64) error {
	conn := s.pool.Get()
	defer conn.Close()
	_, err := conn.Do("SET", stockKey(product), units)
	return err
}

// look returns what is left; 0 for a product without a stock.
func (s *stock) look(product int64) (int64, error) {
	conn := s.pool.Get()
	defer conn.Close()
	left, err := redis.Int64(conn.Do("GET", stockKey(product)))
	if err == redis.ErrNil {
		err = nil
	}
	return left, err
}

// giveBack undoes a taking.
func (s *stock) giveBack(product, units int64) error {
	conn := s.pool.Get()
	defer conn.Close()
	_, err := conn.Do("INCRBY", stockKey(product), units)
	return err
}

// take takes the units or nothing.
func (s *stock) take(ctx context.Context, product, units int64) (taken, error) {
	key := stockKey(product)
	if s.lock == nil {
		conn := s.pool.Get()
		defer conn.Close()
		reply, err := redis.Int(takeByScript.Do(conn, key, units))
		return map[int]taken{1: reserved, 0: soldOut, -1: unknownProduct}[reply], err
	}
	held, err := s.lock.acquire(ctx, "lock:"+key)
	if err != nil || held == nil {
		return contended, err
	}
	defer held.release()
	return s.takeUnderLock(key, units)
}

func (s *stock) takeUnderLock(key string, units int64) (taken, error) {
	conn := s.pool.Get()
	defer conn.Close()
	left, err := redis.Int64(conn.Do("GET", key))
	switch {
	case err == redis.ErrNil:
		return unknownProduct, nil
	case err != nil:
		return contended, err
	case left < units:
		return soldOut, nil
	}
	_, err = conn.Do("DECRBY", key, units)
	return reserved, err
}
