package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"strconv"
	"unicode/utf8"

	"github.com/go-chi/chi"
	"golang.org/x/crypto/bcrypt"
)

const largestBody = 16 << 10

// shop is what the routes share.
type shop struct {
	ledger   *ledger
	stock    *stock
	tokens   tokens
	hashCost int
}

// A refusal is an answer other than success. Status 0: the client has gone, and nobody is answered.
type refusal struct {
	status int
	detail string
	cause  error
}

func refuse(status int, detail string) *refusal { return &refusal{status: status, detail: detail} }

// failed is for what the client did not cause.
func failed(err error) *refusal {
	if errors.Is(err, context.Canceled) {
		return &refusal{}
	}
	return &refusal{http.StatusServiceUnavailable, "out of reach; ask again later", err}
}

func (s *shop) routes() http.Handler {
	router := chi.NewRouter()
	live := []byte(`{"status":"live"}`)
	router.Get("/health/live", func(w http.ResponseWriter, _ *http.Request) { send(w, http.StatusOK, live) })
	router.Post("/api/auth/register", route(s.register))
	router.Post("/api/auth/login", route(s.login))
	router.Post("/api/products", route(s.offerProduct))
	router.Get("/api/products/{id}", route(s.showProduct))
	router.Post("/api/purchases", route(s.buy))
	router.Get("/api/purchases/me", route(s.showHistory))
	return router
}

func send(w http.ResponseWriter, status int, body []byte) {
	header := w.Header()
	header["Content-Type"] = []string{"application/json"}
	header["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		return // The client has gone.
	}
}

// route makes an answer of what a function returns.
func route(run func(*http.Request) (int, interface{}, *refusal)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		status, value, no := run(r)
		if no != nil {
			if no.status == 0 {
				return
			}
			if no.cause != nil {
				log.Printf("peer-go: %s %s: %v", r.Method, r.URL.Path, no.cause)
			}
			if no.status == http.StatusUnauthorized {
				w.Header().Set("WWW-Authenticate", "Bearer")
			}
			status, value = no.status, map[string]string{"detail": no.detail}
		}
		body, err := json.Marshal(value)
		if err != nil {
			log.Printf("peer-go: %s %s: %v", r.Method, r.URL.Path, err)
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		send(w, status, body)
	}
}

func readBody(r *http.Request, into interface{}) *refusal {
	body, err := io.ReadAll(io.LimitReader(r.Body, largestBody+1))
	switch {
	case err != nil:
		return &refusal{}
	case len(body) > largestBody:
		return refuse(http.StatusRequestEntityTooLarge, "the body is too long")
	}
	if err := json.Unmarshal(body, into); err != nil {
		return refuse(http.StatusUnprocessableEntity, "the body is not the JSON object that this route takes")
	}
	return nil
}

var errNoToken = refuse(http.StatusUnauthorized, "a valid token is needed")

type person struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

func readPerson(r *http.Request) (p person, no *refusal) {
	if no = readBody(r, &p); no != nil {
		return p, no
	}
	if length := utf8.RuneCountInString(p.Username); length == 0 || length > 50 {
		return p, refuse(http.StatusUnprocessableEntity, "username: 1 to 50 characters")
	}
	// bcrypt reads no more than 72 bytes.
	if length := len(p.Password); length < 8 || length > 72 {
		return p, refuse(http.StatusUnprocessableEntity, "password: 8 to 72 bytes")
	}
	return p, nil
}

func (s *shop) register(r *http.Request) (int, interface{}, *refusal) {
	p, no := readPerson(r)
	if no != nil {
		return 0, nil, no
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(p.Password), s.hashCost)
	if err != nil {
		return 0, nil, failed(err)
	}
	id, at, err := s.ledger.addUser(p.Username, string(hash))
	if errors.Is(err, errTaken) {
		return 0, nil, refuse(http.StatusConflict, err.Error())
	}
	if err != nil {
		return 0, nil, failed(err)
	}
	answer := struct {
		ID        int64  `json:"id"`
		Username  string `json:"username"`
		CreatedAt string `json:"created_at"`
	}{id, p.Username, at}
	return http.StatusCreated, answer, nil
}

func (s *shop) login(r *http.Request) (int, interface{}, *refusal) {
	p, no := readPerson(r)
	if no != nil {
		return 0, nil, no
	}
	id, hash, err := s.ledger.user(p.Username)
	if err != nil {
		return 0, nil, failed(err)
	}
	if id == 0 || bcrypt.CompareHashAndPassword([]byte(hash), []byte(p.Password)) != nil {
		return 0, nil, refuse(http.StatusUnauthorized, "wrong user name or password")
	}
	token, err := s.tokens.sign(id)
	if err != nil {
		return 0, nil, failed(err)
	}
	answer := struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int64  `json:"expires_in"`
	}{token, "bearer", int64(tokenLifetime.Seconds())}
	return http.StatusOK, answer, nil
}

func (s *shop) offerProduct(r *http.Request) (int, interface{}, *refusal) {
	if _, ok := s.tokens.bearer(r.Header.Get("Authorization")); !ok {
		return 0, nil, errNoToken
	}
	wish := struct {
		Name         string `json:"name"`
		Price        int64  `json:"price"`
		InitialStock int64  `json:"initial_stock"`
	}{Price: -1, InitialStock: -1}
	if no := readBody(r, &wish); no != nil {
		return 0, nil, no
	}
	if wish.Name == "" || wish.Price < 0 || wish.InitialStock < 0 {
		return 0, nil, refuse(http.StatusUnprocessableEntity,
			"name: not empty; price and initial_stock: whole numbers, not below 0")
	}
	p := &product{Name: wish.Name, Price: wish.Price, CurrentStock: wish.InitialStock, CreatedAt: instant()}
	if err := s.ledger.addProduct(p, func() error { return s.stock.put(p.ID, p.CurrentStock) }); err != nil {
		return 0, nil, failed(err)
	}
	return http.StatusCreated, p, nil
}

func (s *shop) showProduct(r *http.Request) (int, interface{}, *refusal) {
	if _, ok := s.tokens.bearer(r.Header.Get("Authorization")); !ok {
		return 0, nil, errNoToken
	}
	id, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	if err != nil {
		return 0, nil, refuse(http.StatusUnprocessableEntity, "the number of a product is a whole number")
	}
	p, err := s.ledger.product(id)
	if err != nil {
		return 0, nil, failed(err)
	}
	if p == nil {
		return 0, nil, refuse(http.StatusNotFound, "there is no such product")
	}
	if p.CurrentStock, err = s.stock.look(id); err != nil {
		return 0, nil, failed(err)
	}
	return http.StatusOK, p, nil
}

func (s *shop) buy(r *http.Request) (int, interface{}, *refusal) {
	user, ok := s.tokens.bearer(r.Header.Get("Authorization"))
	if !ok {
		return 0, nil, errNoToken
	}
	var wish struct {
		ProductID int64 `json:"product_id"`
		Quantity  int64 `json:"quantity"`
	}
	if no := readBody(r, &wish); no != nil {
		return 0, nil, no
	}
	if wish.ProductID < 1 || wish.Quantity < 1 {
		return 0, nil, refuse(http.StatusUnprocessableEntity, "product_id and quantity: whole numbers, not below 1")
	}
	offer, err := s.ledger.offer(user, wish.ProductID)
	switch {
	case err != nil:
		return 0, nil, failed(err)
	case !offer.hasBuyer:
		return 0, nil, errNoToken
	case offer.price < 0:
		return 0, nil, refuse(http.StatusNotFound, "there is no such product")
	}
	outcome, err := s.stock.take(r.Context(), wish.ProductID, wish.Quantity)
	if err != nil {
		return 0, nil, failed(err)
	}
	if outcome != reserved {
		return 0, nil, refusalOf[outcome]
	}
	// The units are taken: from here on the purchase is finished for a client that has gone, too.
	p := &purchase{
		ProductID: wish.ProductID, Quantity: wish.Quantity, TotalPrice: offer.price * wish.Quantity,
		PurchasedAt: instant(), user: user,
	}
	if err := s.ledger.record(p); err != nil {
		if lost := s.stock.giveBack(wish.ProductID, wish.Quantity); lost != nil {
			log.Printf("peer-go: %d units of product %d are lost: %v", wish.Quantity, wish.ProductID, lost)
		}
		return 0, nil, failed(err)
	}
	return http.StatusOK, p, nil
}

var refusalOf = map[taken]*refusal{
	soldOut:        refuse(http.StatusBadRequest, "there are not so many units left"),
	unknownProduct: refuse(http.StatusServiceUnavailable, "the stock of this product is unknown"),
	contended:      refuse(http.StatusConflict, "too many buyers want this product; ask again"),
}

func (s *shop) showHistory(r *http.Request) (int, interface{}, *refusal) {
	user, ok := s.tokens.bearer(r.Header.Get("Authorization"))
	if !ok {
		return 0, nil, errNoToken
	}
	skip, limit := 0, 100
	for name, number := range map[string]*int{"skip": &skip, "limit": &limit} {
		text := r.URL.Query().Get(name)
		if text == "" {
			continue
		}
		value, err := strconv.Atoi(text)
		if err != nil || value < 0 || (name == "limit" && (value < 1 || value > 100)) {
			return 0, nil, refuse(http.StatusUnprocessableEntity, "skip: not below 0; limit: 1 to 100")
		}
		*number = value
	}
	found, err := s.ledger.history(user, skip, limit)
	if err != nil {
		return 0, nil, failed(err)
	}
	return http.StatusOK, found, nil
}
