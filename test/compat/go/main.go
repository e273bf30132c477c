// Vault's own Go client against a server: prints `ok name` or `FAIL name: why` for each check.
//
// VAULT_ADDR and VAULT_TOKEN name a dev server (unsealed, KV v2 at secret/), COMPAT_UNINITIALIZED_ADDR a server that was never
// initialised, COMPAT_AUDIT_FILE a path the dev server may write an audit log to.
package main

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/hashicorp/vault/api"
)

var failed bool

func main() {
	dev := connect(os.Getenv("VAULT_ADDR"), os.Getenv("VAULT_TOKEN"))
	systemChecks(dev)
	policyChecks(dev)
	mountChecks(dev)
	auditChecks(dev, os.Getenv("COMPAT_AUDIT_FILE"))
	kvV1Checks(dev)
	kvV2Checks(dev)
	listChecks(dev)
	tokenChecks(dev)
	watcherChecks(dev)
	sealChecks(connect(os.Getenv("COMPAT_UNINITIALIZED_ADDR"), ""))
	if failed {
		os.Exit(1)
	}
}

// connect makes a client that does not try again: a 5xx is an answer to look at.
func connect(address, token string) *api.Client {
	config := api.DefaultConfig()
	config.Address = address
	config.MaxRetries = 0
	client, err := api.NewClient(config)
	if err != nil {
		fmt.Println("FAIL connect:", err)
		os.Exit(1)
	}
	client.SetToken(token)
	return client
}

// as is the same client with another token.
func as(client *api.Client, token string) *api.Client {
	other := must(client.Clone())
	other.SetToken(token)
	return other
}

// check runs one check; what it panics with is why it failed.
func check(name string, run func()) {
	defer func() {
		why := recover()
		if why == nil {
			fmt.Println("ok", name)
			return
		}
		failed = true
		fmt.Printf("FAIL %s: %s\n", name, strings.Join(strings.Fields(fmt.Sprint(why)), " "))
	}()
	run()
}

// isBao is true where the harness is tried on OpenBao, which answers a few things otherwise.
func isBao() bool { return os.Getenv("COMPAT_TARGET") == "bao" }

func must[T any](value T, err error) T {
	noError(err)
	return value
}

func noError(err error) {
	if err != nil {
		panic(err)
	}
}

func equal(what string, got, want any) {
	if !reflect.DeepEqual(got, want) {
		panic(fmt.Sprintf("%s is %#v, want %#v", what, got, want))
	}
}

func that(holds bool, what string, details ...any) {
	if !holds {
		panic(fmt.Sprintf(what, details...))
	}
}

// status expects err to be the server's refusal with this status, and (where not empty) with text in one of its messages.
func status(err error, code int, text string) {
	var refused *api.ResponseError
	that(errors.As(err, &refused), "want a refusal with %d, got %v", code, err)
	equal("status", refused.StatusCode, code)
	that(text == "" || strings.Contains(strings.Join(refused.Errors, "\n"), text), "want %q among %q", text, refused.Errors)
}
