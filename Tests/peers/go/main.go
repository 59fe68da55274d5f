// peer-go sells products over HTTP as lab-server does: a server for lab-server to be compared with.
// README.md says what it does for a purchase and how it is built.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
)

// exitUsage is the exit code for a flag or an argument that cannot be used.
const exitUsage = 64

// settings are what the command line says.
type settings struct {
	listen, database, strategy, secret string
	redis                              []string
	hashCost                           int
}

func parse(words []string) (settings, error) {
	var s settings
	var urls string
	flags := flag.NewFlagSet("peer-go", flag.ContinueOnError)
	flags.StringVar(&s.listen, "listen", "127.0.0.1:0", "address and port; port 0 picks a free one")
	flags.StringVar(&s.database, "database", "", "the SQLite file; it is made when it is missing")
	flags.StringVar(&s.strategy, "strategy", "lua", "how buyers are kept apart: lua, backoff or redlock")
	flags.StringVar(&urls, "redis", "", "Redis URLs, separated by commas: the first has the stock, redlock locks on the others")
	flags.StringVar(&s.secret, "secret", "", "the key of the tokens, at least 32 bytes")
	flags.IntVar(&s.hashCost, "hash-cost", 12, "bcrypt cost")
	if err := flags.Parse(words); err != nil {
		return s, err
	}
	s.redis = strings.Split(urls, ",")
	switch {
	case flags.NArg() > 0:
		return s, fmt.Errorf("there is no argument %q: every setting is a flag", flags.Arg(0))
	case s.database == "" || urls == "":
		return s, errors.New("--database and --redis are needed")
	case len(s.secret) < 32:
		return s, errors.New("--secret must have at least 32 bytes")
	case s.strategy != "lua" && s.strategy != "backoff" && s.strategy != "redlock":
		return s, fmt.Errorf("--strategy is %q: it must be lua, backoff or redlock", s.strategy)
	case s.strategy == "redlock" && len(s.redis) < 4:
		return s, errors.New("redlock needs four Redis URLs or more: of the stock, and of three lock nodes")
	}
	return s, nil
}

func main() {
	s, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "peer-go:", err)
		os.Exit(exitUsage)
	}
	if err := serve(s); err != nil {
		fmt.Fprintln(os.Stderr, "peer-go:", err)
		os.Exit(1)
	}
}

// tune sets what was measured to be best for this server, where the environment does not say otherwise.
func tune() {
	if os.Getenv("GOGC") == "" {
		// The heap is a few megabytes: to collect it at every doubling costs more than it frees.
		debug.SetGCPercent(400)
	}
	if os.Getenv("GOMAXPROCS") == "" {
		// The writer's thread sleeps in fsync and keeps its place among those that run.
		runtime.GOMAXPROCS(runtime.NumCPU() + 1)
	}
}

// serve answers until SIGTERM or SIGINT, and then finishes what is in flight.
func serve(s settings) error {
	tune()
	ledger, err := openLedger(s.database)
	if err != nil {
		return fmt.Errorf("the ledger %s: %w", s.database, err)
	}
	stock, err := openStock(s.strategy, s.redis)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return err
	}
	shop := &shop{ledger: ledger, stock: stock, tokens: tokens{key: []byte(s.secret)}, hashCost: s.hashCost}
	server := &http.Server{Handler: shop.routes(), ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	fmt.Printf("peer-go: listening on http://%s\n", listener.Addr())

	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	select {
	case err = <-ended:
	case <-signals:
		limit, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		err = server.Shutdown(limit)
	}
	if closing := ledger.close(); err == nil {
		err = closing
	}
	return err
}
