package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log"
	mathrand "math/rand"
	"time"

	"github.com/gomodule/redigo/redis"
)

const (
	lockLife     = 5 * time.Second
	lockPatience = 5 * time.Second
	// Backoff: a pause is drawn from 0 to a bound, which doubles from the first to the last.
	firstPause = 1 * time.Millisecond
	lastPause  = 64 * time.Millisecond
	// Redlock: a pause is drawn from these two.
	shortestDelay = 50 * time.Millisecond
	longestDelay  = 250 * time.Millisecond
	// A node that does not answer must not use up the life of the lock.
	nodeTimeout = lockLife / 20
	// How much faster than another a clock may run, in a hundredth of the lock's life.
	clockDrift = lockLife / 100
)

// A lock lets one buyer at a time to a key.
type lock interface {
	// acquire waits for lockPatience; the result is nil when the lock was not to be had.
	acquire(ctx context.Context, key string) (*grant, error)
}

// A grant is one holding of a lock, until release or the end of its life.
type grant struct {
	pools      []*redis.Pool
	key, token string
	// Servers that said no in the last try: there is nothing to release. Each has its own place.
	refused []bool
}

func newGrant(key string, pools ...*redis.Pool) *grant {
	var chance [16]byte
	if _, err := rand.Read(chance[:]); err != nil {
		log.Fatalf("peer-go: no random numbers: %v", err)
	}
	return &grant{
		pools: pools, key: key, token: hex.EncodeToString(chance[:]), refused: make([]bool, len(pools)),
	}
}

// set takes the key on one server, when it is free there.
func (g *grant) set(server int) (bool, error) {
	conn := g.pools[server].Get()
	defer conn.Close()
	reply, err := conn.Do("SET", g.key, g.token, "PX", lockLife.Milliseconds(), "NX")
	g.refused[server] = reply == nil && err == nil
	return reply != nil, err
}

// deleteIfMine lets the key of another holder stand.
var deleteIfMine = redis.NewScript(1, `
local mine = redis.call('GET', KEYS[1]) == ARGV[1]
return mine and redis.call('DEL', KEYS[1]) or 0`)

func (g *grant) unset(server int) {
	conn := g.pools[server].Get()
	defer conn.Close()
	// What is not deleted ends by itself.
	if _, err := deleteIfMine.Do(conn, g.key, g.token); err != nil {
		log.Printf("peer-go: %s was not released: %v", g.key, err)
	}
}

func (g *grant) release() {
	var servers []int
	for server := range g.pools {
		if !g.refused[server] {
			servers = append(servers, server)
		}
	}
	onEach(servers, func(server int) bool {
		g.unset(server)
		return true
	})
}

// onEach asks all servers at once, the first of them on the goroutine of the caller, and returns how many said yes.
func onEach(servers []int, ask func(server int) bool) int {
	if len(servers) == 0 {
		return 0
	}
	answers := make(chan bool, len(servers))
	for _, server := range servers[1:] {
		go func(server int) { answers <- ask(server) }(server)
	}
	answers <- ask(servers[0])
	agreed := 0
	for range servers {
		if <-answers {
			agreed++
		}
	}
	return agreed
}

// untilPatienceEnds tries, pauses, and tries again; false when time or the client has gone.
func untilPatienceEnds(
	ctx context.Context, pause func(try int) time.Duration, attempt func() (bool, error),
) (bool, error) {
	end := time.Now().Add(lockPatience)
	for try := 0; ; try++ {
		if done, err := attempt(); done || err != nil {
			return done, err
		}
		wait := pause(try)
		if time.Now().Add(wait).After(end) {
			return false, nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false, ctx.Err()
		}
	}
}

// keyLock is SET NX PX on the server that has the stock, with backoff and full jitter.
type keyLock struct{ pool *redis.Pool }

func (l keyLock) acquire(ctx context.Context, key string) (*grant, error) {
	wanted := newGrant(key, l.pool)
	bound := firstPause
	pause := func(int) time.Duration {
		drawn := time.Duration(mathrand.Int63n(int64(bound) + 1))
		if bound *= 2; bound > lastPause {
			bound = lastPause
		}
		return drawn
	}
	got, err := untilPatienceEnds(ctx, pause, func() (bool, error) { return wanted.set(0) })
	if !got {
		return nil, err
	}
	return wanted, nil
}

// majorityLock is Redlock: the key must be set on most of the servers, with life left.
type majorityLock struct {
	nodes   []*redis.Pool
	servers []int
}

func newMajorityLock(nodes []*redis.Pool) *majorityLock {
	l := &majorityLock{nodes: nodes}
	for server := range nodes {
		l.servers = append(l.servers, server)
	}
	return l
}

func (l *majorityLock) acquire(ctx context.Context, key string) (*grant, error) {
	wanted := newGrant(key, l.nodes...)
	pause := func(int) time.Duration {
		return shortestDelay + time.Duration(mathrand.Int63n(int64(longestDelay-shortestDelay)))
	}
	got, err := untilPatienceEnds(ctx, pause, func() (bool, error) {
		begin := time.Now()
		agreed := onEach(l.servers, func(server int) bool {
			set, err := wanted.set(server)
			return err == nil && set
		})
		if agreed > len(l.nodes)/2 && time.Since(begin)+clockDrift < lockLife {
			return true, nil
		}
		wanted.release()
		return false, nil
	})
	if !got {
		return nil, err
	}
	return wanted, nil
}
