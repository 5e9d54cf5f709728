package main

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/crest-go/crest"
)

var steps = []step{
	{
		"A login: the answer sets a cookie, and the jar sends it with what follows",
		"A server on an IP address, as here, gets cookies with AllowIP only.", logIn,
	},
	{
		"A restart: the cookies are saved, and a second client loads them",
		"The program ends without a logout. The next one has neither user nor password.", restart,
	},
	{
		"A redirect that keeps the secrets at home",
		"The API sends the reader on to a foreign server. Token, key and cookie are for the API alone.", redirect,
	},
	{
		"A proxy with a password",
		"It is in the proxy's URL, goes to the proxy and no further. What is meant for the server goes through a tunnel unseen.", throughProxy,
	},
	{
		"A pinned key",
		"The certificate is valid both times. Without the key that the client demands, the server gets no request.", pinned,
	},
}

func logIn(ctx context.Context, t *tour) error {
	jar := crest.NewJar(crest.JarOptions{AllowIP: true})
	c, err := t.client(t.api, crest.WithCookieJar(jar))
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = getAccount.Call(ctx, c, crest.Empty{})
	t.expect("before the login the API answers 401", errors.Is(err, crest.Status(http.StatusUnauthorized)), true)

	t.code(`login.Call(ctx, c, loginRequest{User: "ada", Password: …})   // c has WithCookieJar(jar)`)
	_, err = login.Call(ctx, c, loginRequest{User: user, Password: crest.NewSecret(password)})
	t.succeed(err)
	t.expect("cookies in the jar", jar.Len(), 1)
	t.api.reset()
	t.code("getAccount.Call(ctx, c, crest.Empty{})")
	who, err := getAccount.Call(ctx, c, crest.Empty{})
	t.succeed(err)
	_, carried := t.received("API", t.api)
	t.expect("the API got", carried, [][]string{{"Cookie"}})
	t.expect("and knows", who.User, user)
	t.code("jar.Save(file)")
	t.succeed(jar.Save(t.file))
	return nil
}

// loggedIn is a jar as the next start of the program loads it.
func (t *tour) loggedIn() *crest.Jar {
	jar := crest.NewJar(crest.JarOptions{AllowIP: true})
	t.succeed(jar.Load(t.file))
	return jar
}

func restart(ctx context.Context, t *tour) error {
	t.code("jar.Load(file)                                             // a new jar, for a new client")
	c, err := t.client(t.api, crest.WithCookieJar(t.loggedIn()))
	if err != nil {
		return err
	}
	defer c.Close()
	t.code("getAccount.Call(ctx, c, crest.Empty{})")
	who, err := getAccount.Call(ctx, c, crest.Empty{})
	t.succeed(err)
	targets, _ := t.received("API", t.api)
	t.expect("the API still knows", who.User, user)
	t.expect("all that it was asked", strings.Join(targets, ", "), "GET /account")
	return nil
}

func redirect(ctx context.Context, t *tour) error {
	t.code(`crest.New(url, WithCookieJar(jar), WithBearer(token), WithAPIKey("X-Api-Key", key))`)
	c, err := t.client(t.api, crest.WithCookieJar(t.loggedIn()),
		crest.WithBearer(crest.NewSecret(token)), crest.WithAPIKey("X-Api-Key", crest.NewSecret(apiKey)))
	if err != nil {
		return err
	}
	defer c.Close()
	t.code("getReport.Call(ctx, c, crest.Empty{})")
	got, err := getReport.Call(ctx, c, crest.Empty{})
	t.succeed(err)
	_, atHome := t.received("API", t.api)
	_, abroad := t.received("foreign server", t.foreign)
	t.expect("the report is there", got.Title, "The year in numbers")
	t.expect("the API got", atHome, [][]string{{"Authorization", "X-Api-Key", "Cookie"}})
	t.expect("the foreign server got", abroad, [][]string{{}})
	return nil
}
