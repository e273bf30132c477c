package main

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
)

func tokenChecks(client *api.Client) {
	tokens := client.Auth().Token()
	yes, no := true, false
	check("token create and lookup", func() {
		made := must(tokens.Create(&api.TokenCreateRequest{
			Policies: []string{"default"}, Metadata: map[string]string{"team": "blue"}, TTL: "1h", ExplicitMaxTTL: "2h",
			DisplayName: "go client", NumUses: 5, Renewable: &yes,
		}))
		that(strings.HasPrefix(made.Auth.ClientToken, tokenPrefix()), "the token begins %q", made.Auth.ClientToken[:4])
		equal("lease_duration, renewable", []any{made.Auth.LeaseDuration, made.Auth.Renewable}, []any{3600, true})
		found := must(tokens.Lookup(made.Auth.ClientToken))
		equal("display_name", found.Data["display_name"], "token-go-client")
		equal("explicit_max_ttl", found.Data["explicit_max_ttl"], json.Number("7200"))
		equal("meta", found.Data["meta"], data{"team": "blue"})
		equal("policies", must(found.TokenPolicies()), []string{"default"})
		equal("ttl", must(found.TokenTTL()) > 59*time.Minute, true)
		equal("renewable", must(found.TokenIsRenewable()), true)
		equal("accessor", must(found.TokenAccessor()), made.Auth.Accessor)
		byAccessor := must(tokens.LookupAccessor(made.Auth.Accessor))
		equal("id by accessor", byAccessor.Data["id"], "")
		own := must(as(client, made.Auth.ClientToken).Auth().Token().LookupSelf())
		equal("own num_uses", own.Data["num_uses"], json.Number("4"))
	})
	check("token num_uses", func() {
		made := must(tokens.Create(&api.TokenCreateRequest{Policies: []string{"default"}, NumUses: 1}))
		own := as(client, made.Auth.ClientToken)
		must(own.Auth().Token().LookupSelf())
		_, err := own.Auth().Token().LookupSelf()
		status(err, 403, "")
	})
	check("token create by id, no parent, no default policy", func() {
		made := must(tokens.Create(&api.TokenCreateRequest{ID: "go-chosen-id", NoParent: true, NoDefaultPolicy: true, Policies: []string{"go-caps"}}))
		equal("token", made.Auth.ClientToken, "go-chosen-id")
		equal("orphan", made.Auth.Orphan, true)
		equal("policies", made.Auth.Policies, []string{"go-caps"})
		_, err := tokens.Create(&api.TokenCreateRequest{ID: "go-chosen-id"})
		status(err, 400, "cannot create a token with a duplicate ID")
	})
	check("token create periodic and orphan", func() {
		made := must(tokens.CreateOrphan(&api.TokenCreateRequest{Period: "30m", Policies: []string{"default"}}))
		equal("lease_duration, orphan", []any{made.Auth.LeaseDuration, made.Auth.Orphan}, []any{1800, true})
		equal("period", must(tokens.Lookup(made.Auth.ClientToken)).Data["period"], json.Number("1800"))
	})
	check("token renew", func() {
		made := must(tokens.Create(&api.TokenCreateRequest{Policies: []string{"default"}, TTL: "1h", Renewable: &yes}))
		equal("by token", must(tokens.Renew(made.Auth.ClientToken, 600)).Auth.LeaseDuration, 600)
		equal("by accessor", must(tokens.RenewAccessor(made.Auth.Accessor, 700)).Auth.LeaseDuration, 700)
		own := as(client, made.Auth.ClientToken).Auth().Token()
		equal("itself", must(own.RenewSelf(800)).Auth.LeaseDuration, 800)
		fixed := must(tokens.Create(&api.TokenCreateRequest{Policies: []string{"default"}, TTL: "1h", Renewable: &no}))
		_, err := tokens.Renew(fixed.Auth.ClientToken, 600)
		status(err, 400, "lease is not renewable")
	})
	check("token role", func() {
		must(client.Logical().Write("auth/token/roles/go", data{"allowed_policies": "default,go-caps", "orphan": true, "token_period": "1h", "path_suffix": "sfx"}))
		made := must(tokens.CreateWithRole(&api.TokenCreateRequest{Policies: []string{"go-caps"}}, "go"))
		equal("orphan, lease_duration", []any{made.Auth.Orphan, made.Auth.LeaseDuration}, []any{true, 3600})
		equal("path", must(tokens.Lookup(made.Auth.ClientToken)).Data["path"], "auth/token/create/go/sfx")
		_, err := tokens.CreateWithRole(&api.TokenCreateRequest{Policies: []string{"other"}}, "go")
		status(err, 400, "must be subset of the role's allowed policies")
		_, err = tokens.CreateWithRole(&api.TokenCreateRequest{}, "no-such-role")
		status(err, 400, "")
		must(client.Logical().Delete("auth/token/roles/go"))
	})
	check("token revoke", func() {
		create := func(parent *api.Client) *api.SecretAuth {
			return must(parent.Auth().Token().Create(&api.TokenCreateRequest{Policies: []string{"root"}})).Auth
		}
		gone := func(token string) {
			_, err := tokens.Lookup(token)
			status(err, 403, "")
		}
		parent := create(client)
		child := create(as(client, parent.ClientToken))
		grandchild := create(as(client, child.ClientToken))
		noError(tokens.RevokeTree(parent.ClientToken))
		for _, auth := range []*api.SecretAuth{parent, child, grandchild} {
			gone(auth.ClientToken)
		}
		byAccessor, itself := create(client), create(client)
		noError(tokens.RevokeAccessor(byAccessor.Accessor))
		gone(byAccessor.ClientToken)
		noError(as(client, itself.ClientToken).Auth().Token().RevokeSelf(""))
		gone(itself.ClientToken)
		parent = create(client)
		child = create(as(client, parent.ClientToken))
		noError(tokens.RevokeOrphan(parent.ClientToken))
		gone(parent.ClientToken)
		equal("orphan", must(tokens.Lookup(child.ClientToken)).Data["orphan"], true)
	})
	check("token refusals", func() {
		_, err := as(client, "hvs.nosuchtoken").Auth().Token().LookupSelf()
		status(err, 403, "permission denied")
		_, err = as(client, "").Logical().Read("secret/data/golist/a")
		status(err, 403, "permission denied")
		_, err = tokens.LookupAccessor("no-such-accessor")
		status(err, 400, "invalid accessor")
		limited := must(tokens.Create(&api.TokenCreateRequest{Policies: []string{"go-caps"}})).Auth.ClientToken
		_, err = as(client, limited).Logical().Read("secret/data/b")
		status(err, 403, "permission denied")
		_, err = as(client, limited).Sys().ListMounts()
		status(err, 403, "permission denied")
	})
	check("cubbyhole belongs to its token", func() {
		made := must(tokens.Create(&api.TokenCreateRequest{Policies: []string{"default"}}))
		own := as(client, made.Auth.ClientToken).Logical()
		must(own.Write("cubbyhole/mine", data{"a": "b"}))
		equal("data", must(own.Read("cubbyhole/mine")).Data, data{"a": "b"})
		that(must(client.Logical().Read("cubbyhole/mine")) == nil, "another token reads it")
	})
}

// tokenPrefix is how service tokens begin: Vault's hvs., OpenBao's s.
func tokenPrefix() string {
	if isBao() {
		return "s."
	}
	return "hvs."
}

func watcherChecks(client *api.Client) {
	yes := true
	check("LifetimeWatcher renews a token past its first TTL", func() {
		made := must(client.Auth().Token().Create(&api.TokenCreateRequest{Policies: []string{"default"}, TTL: "2s", Renewable: &yes}))
		own := as(client, made.Auth.ClientToken)
		watcher := must(own.NewLifetimeWatcher(&api.LifetimeWatcherInput{Secret: made, Increment: 2}))
		go watcher.Start()
		defer watcher.Stop()
		started := time.Now()
		for time.Since(started) < 2500*time.Millisecond {
			select {
			case renewal := <-watcher.RenewCh():
				equal("lease_duration", renewal.Secret.Auth.LeaseDuration, 2)
			case err := <-watcher.DoneCh():
				that(false, "the watcher stopped after %v: %v", time.Since(started), err)
			case <-time.After(5 * time.Second):
				that(false, "no renewal within five seconds")
			}
		}
		must(own.Auth().Token().LookupSelf())
	})
	check("LifetimeWatcher ends at explicit_max_ttl", func() {
		made := must(client.Auth().Token().Create(&api.TokenCreateRequest{Policies: []string{"default"}, TTL: "2s", ExplicitMaxTTL: "2s", Renewable: &yes}))
		watcher := must(as(client, made.Auth.ClientToken).NewLifetimeWatcher(&api.LifetimeWatcherInput{Secret: made}))
		go watcher.Start()
		defer watcher.Stop()
		deadline := time.After(5 * time.Second)
		for {
			select {
			case <-watcher.RenewCh():
			case <-watcher.DoneCh():
				return
			case <-deadline:
				that(false, "the watcher goes on after five seconds")
			}
		}
	})
}
