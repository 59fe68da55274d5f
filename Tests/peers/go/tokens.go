package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt"
)

const tokenLifetime = time.Hour

// tokens signs and checks JSON Web Tokens by HMAC-SHA-256.
type tokens struct{ key []byte }

var tokenParser = jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}))

func (t tokens) sign(user int64) (string, error) {
	at := time.Now()
	return jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Subject:   strconv.FormatInt(user, 10),
		IssuedAt:  jwt.NewNumericDate(at),
		ExpiresAt: jwt.NewNumericDate(at.Add(tokenLifetime)),
	}).SignedString(t.key)
}

// bearer returns the user of a header "Bearer TOKEN"; false when there is no token that counts.
func (t tokens) bearer(header string) (int64, bool) {
	const scheme = "bearer "
	if len(header) < len(scheme) || !strings.EqualFold(header[:len(scheme)], scheme) {
		return 0, false
	}
	claims := &jwt.RegisteredClaims{}
	key := func(*jwt.Token) (interface{}, error) { return t.key, nil }
	if _, err := tokenParser.ParseWithClaims(header[len(scheme):], claims, key); err != nil {
		return 0, false
	}
	user, err := strconv.ParseInt(claims.Subject, 10, 64)
	return user, err == nil
}
