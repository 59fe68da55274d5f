package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"runtime"
	"time"

	"github.com/mattn/go-sqlite3"
)

const tables = `
CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY,
    username TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    created_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS products (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    price INTEGER NOT NULL,
    created_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS purchases (
    id INTEGER PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users,
    product_id INTEGER NOT NULL REFERENCES products,
    quantity INTEGER NOT NULL,
    total_price INTEGER NOT NULL,
    purchased_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS purchases_by_user ON purchases (user_id);`

// readers is how many look-ups for purchases may run at the same time.
const readers = 4

// largestCommit is how many purchases share a commit at most.
const largestCommit = 512

func instant() string { return time.Now().UTC().Format("2006-01-02T15:04:05.000000Z") }

type purchase struct {
	ID          int64  `json:"id"`
	ProductID   int64  `json:"product_id"`
	Quantity    int64  `json:"quantity"`
	TotalPrice  int64  `json:"total_price"`
	PurchasedAt string `json:"purchased_at"`
	user        int64
}

// ledger is the SQLite file. What a purchase needs goes past database/sql, by the driver's own connections.
type ledger struct {
	db       *sql.DB
	lookers  chan *looker
	incoming chan *sale
	ended    chan error
}

func openLedger(file string) (*ledger, error) {
	source := "file:" + (&url.URL{Path: file}).EscapedPath() +
		"?_journal_mode=WAL&_synchronous=FULL&_foreign_keys=on&_busy_timeout=5000&_txlock=immediate"
	db, err := sql.Open("sqlite3", source)
	if err != nil {
		return nil, err
	}
	if _, err = db.Exec(tables); err != nil {
		return nil, err
	}
	l := &ledger{
		db: db, lookers: make(chan *looker, readers),
		incoming: make(chan *sale, largestCommit), ended: make(chan error, 1),
	}
	for i := 0; i < readers; i++ {
		looker, err := openLooker(source)
		if err != nil {
			return nil, err
		}
		l.lookers <- looker
	}
	w, err := openWriter(source)
	if err != nil {
		return nil, err
	}
	go func() { l.ended <- w.run(l.incoming) }()
	return l, nil
}

// close waits for the sales that were handed in.
func (l *ledger) close() error {
	close(l.incoming)
	err := <-l.ended
	for i := 0; i < readers; i++ {
		(<-l.lookers).conn.Close()
	}
	if closing := l.db.Close(); err == nil {
		err = closing
	}
	return err
}

// connect opens a connection of the driver and prepares statements on it.
func connect(source string, texts ...string) (driver.Conn, []*sqlite3.SQLiteStmt, error) {
	conn, err := (&sqlite3.SQLiteDriver{}).Open(source)
	if err != nil {
		return nil, nil, err
	}
	prepared := make([]*sqlite3.SQLiteStmt, len(texts))
	for i, text := range texts {
		statement, err := conn.Prepare(text)
		if err != nil {
			return nil, nil, err
		}
		prepared[i] = statement.(*sqlite3.SQLiteStmt)
	}
	return conn, prepared, nil
}

// looker answers in one query whether a buyer exists and what a product costs.
type looker struct {
	conn      driver.Conn
	statement *sqlite3.SQLiteStmt
	arguments [2]driver.Value
	row       [2]driver.Value
}

func openLooker(source string) (*looker, error) {
	conn, prepared, err := connect(source,
		"SELECT EXISTS (SELECT 1 FROM users WHERE id = ?), (SELECT price FROM products WHERE id = ?)")
	if err != nil {
		return nil, err
	}
	return &looker{conn: conn, statement: prepared[0]}, nil
}

// offer is what a purchase has to know beforehand. A price below zero: there is no such product.
type offer struct {
	hasBuyer bool
	price    int64
}

func (l *ledger) offer(user, product int64) (offer, error) {
	looker := <-l.lookers
	defer func() { l.lookers <- looker }()
	looker.arguments = [2]driver.Value{user, product}
	rows, err := looker.statement.Query(looker.arguments[:])
	if err != nil {
		return offer{}, err
	}
	defer rows.Close()
	if err = rows.Next(looker.row[:]); err != nil {
		return offer{}, err
	}
	found := offer{hasBuyer: looker.row[0] == int64(1), price: -1}
	if price, ok := looker.row[1].(int64); ok {
		found.price = price
	}
	return found, nil
}

// sale is a purchase on its way to the disk.
type sale struct {
	purchase *purchase
	result   chan error
}

// record returns when the row is durable; then the purchase has its number.
func (l *ledger) record(p *purchase) error {
	s := &sale{p, make(chan error, 1)}
	l.incoming <- s
	return <-s.result
}

// writer is the only one that writes sales: all that wait share a commit.
type writer struct {
	conn                            driver.Conn
	begin, insert, commit, rollback *sqlite3.SQLiteStmt
	batch                           []*sale
	failures                        []error
	arguments                       [5]driver.Value
}

func openWriter(source string) (*writer, error) {
	conn, prepared, err := connect(source, "BEGIN IMMEDIATE",
		"INSERT INTO purchases (user_id, product_id, quantity, total_price, purchased_at) VALUES (?, ?, ?, ?, ?)",
		"COMMIT", "ROLLBACK")
	if err != nil {
		return nil, err
	}
	return &writer{
		conn: conn, begin: prepared[0], insert: prepared[1], commit: prepared[2], rollback: prepared[3],
	}, nil
}

// run writes until no more sales can come.
func (w *writer) run(incoming chan *sale) error {
	for first := range incoming {
		w.gather(first, incoming)
		if err := w.write(); err != nil {
			for i := range w.failures {
				w.failures[i] = err
			}
		}
		for i, s := range w.batch {
			s.result <- w.failures[i]
		}
	}
	return w.conn.Close()
}

// gather takes what waits, and lets buyers who are about to hand in a sale do so as long as more come.
func (w *writer) gather(first *sale, incoming chan *sale) {
	w.batch = append(w.batch[:0], first)
	for {
		runtime.Gosched()
		waiting := len(incoming)
		if room := largestCommit - len(w.batch); waiting > room {
			waiting = room
		}
		if waiting == 0 {
			break
		}
		for ; waiting > 0; waiting-- {
			w.batch = append(w.batch, <-incoming)
		}
	}
	w.failures = make([]error, len(w.batch))
}

// write commits the batch. A row that breaks a constraint fails alone; any other error undoes all rows.
func (w *writer) write() error {
	if _, err := w.begin.Exec(nil); err != nil {
		return err
	}
	for i, s := range w.batch {
		p := s.purchase
		w.arguments = [5]driver.Value{p.user, p.ProductID, p.Quantity, p.TotalPrice, p.PurchasedAt}
		result, err := w.insert.Exec(w.arguments[:])
		if err == nil {
			p.ID, err = result.LastInsertId()
		}
		if err == nil {
			continue
		}
		if refused := (sqlite3.Error{}); !errors.As(err, &refused) || refused.Code != sqlite3.ErrConstraint {
			return w.undo(err)
		}
		w.failures[i] = err
	}
	if _, err := w.commit.Exec(nil); err != nil {
		return w.undo(err)
	}
	return nil
}

func (w *writer) undo(cause error) error {
	if _, err := w.rollback.Exec(nil); err != nil {
		return fmt.Errorf("%w; and it was not undone: %v", cause, err)
	}
	return cause
}

var errTaken = errors.New("the user name is taken")

func (l *ledger) addUser(name, hash string) (int64, string, error) {
	at := instant()
	done, err := l.db.Exec(
		"INSERT INTO users (username, password_hash, created_at) VALUES (?, ?, ?)", name, hash, at)
	if refused := (sqlite3.Error{}); errors.As(err, &refused) && refused.Code == sqlite3.ErrConstraint {
		return 0, "", errTaken
	}
	if err != nil {
		return 0, "", err
	}
	id, err := done.LastInsertId()
	return id, at, err
}

// user returns the number and the password hash; 0 when there is no such user.
func (l *ledger) user(name string) (id int64, hash string, err error) {
	err = l.db.QueryRow("SELECT id, password_hash FROM users WHERE username = ?", name).Scan(&id, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return id, hash, err
}

type product struct {
	ID           int64  `json:"id"`
	Name         string `json:"name"`
	Price        int64  `json:"price"`
	CurrentStock int64  `json:"current_stock"`
	CreatedAt    string `json:"created_at"`
}

// addProduct keeps the product only when its stock could be put on sale.
func (l *ledger) addProduct(p *product, putOnSale func() error) error {
	transaction, err := l.db.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	defer transaction.Rollback() // After a commit it does nothing.
	done, err := transaction.Exec(
		"INSERT INTO products (name, price, created_at) VALUES (?, ?, ?)", p.Name, p.Price, p.CreatedAt)
	if err != nil {
		return err
	}
	if p.ID, err = done.LastInsertId(); err != nil {
		return err
	}
	if err = putOnSale(); err != nil {
		return err
	}
	return transaction.Commit()
}

// product returns nil when there is none of this number.
func (l *ledger) product(id int64) (*product, error) {
	p := &product{ID: id}
	err := l.db.QueryRow("SELECT name, price, created_at FROM products WHERE id = ?", id).
		Scan(&p.Name, &p.Price, &p.CreatedAt)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return p, err
}

// history lists the purchases of a user, newest first.
func (l *ledger) history(user int64, skip, limit int) ([]purchase, error) {
	rows, err := l.db.Query(`SELECT id, product_id, quantity, total_price, purchased_at FROM purchases
		WHERE user_id = ? ORDER BY id DESC LIMIT ? OFFSET ?`, user, limit, skip)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := []purchase{}
	for rows.Next() {
		var p purchase
		if err = rows.Scan(&p.ID, &p.ProductID, &p.Quantity, &p.TotalPrice, &p.PurchasedAt); err != nil {
			return nil, err
		}
		found = append(found, p)
	}
	return found, rows.Err()
}
