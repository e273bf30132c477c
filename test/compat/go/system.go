package main

import (
	"os"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
)

func systemChecks(client *api.Client) {
	sys := client.Sys()
	check("sys health", func() {
		health := must(sys.Health())
		equal("initialized, sealed, standby", []bool{health.Initialized, health.Sealed, health.Standby}, []bool{true, false, false})
		that(health.Version != "" && health.ClusterID != "" && health.ClusterName != "", "version or cluster is missing: %+v", health)
		that(time.Since(time.Unix(health.ServerTimeUTC, 0)).Abs() < time.Minute, "server_time_utc is %d", health.ServerTimeUTC)
		equal("replication_dr_mode", health.ReplicationDRMode, "disabled")
	})
	check("sys seal-status", func() {
		seal := must(sys.SealStatus())
		equal("type", seal.Type, "shamir")
		equal("sealed", seal.Sealed, false)
		equal("t, n", []int{seal.T, seal.N}, []int{1, 1})
		that(seal.BuildDate != "" || isBao(), "build_date is missing")
	})
	check("sys init status", func() { equal("initialized", must(sys.InitStatus()), true) })
	check("sys init again", func() {
		_, err := sys.Init(&api.InitRequest{SecretShares: 1, SecretThreshold: 1})
		status(err, 400, "already initialized")
	})
	check("sys leader", func() {
		leader := must(sys.Leader())
		that(leader.IsSelf || !leader.HAEnabled, "an only node is its own leader: %+v", leader)
	})
	check("sys step-down", func() { noError(sys.StepDown()) })
	check("sys rotate and key-status", func() {
		before := must(sys.KeyStatus())
		that(before.Term >= 1 && time.Since(before.InstallTime).Abs() < time.Hour, "key-status is %+v", before)
		noError(sys.Rotate())
		equal("term", must(sys.KeyStatus()).Term, before.Term+1)
	})
	check("sys help", func() {
		help := must(client.Help("sys/mounts"))
		that(help.Help != "", "the help is empty")
	})
	check("sys capabilities", func() {
		equal("of root", must(sys.CapabilitiesSelf("secret/data/a")), []string{"root"})
		noError(sys.PutPolicy("go-caps", `path "secret/data/a" { capabilities = ["update", "read", "create"] }`))
		child := must(client.Auth().Token().Create(&api.TokenCreateRequest{Policies: []string{"go-caps"}}))
		want := []string{"create", "read", "update"}
		equal("by token", must(sys.Capabilities(child.Auth.ClientToken, "secret/data/a")), want)
		equal("by accessor", must(sys.CapabilitiesAccessor(child.Auth.Accessor, "secret/data/a")), want)
		equal("of itself", must(as(client, child.Auth.ClientToken).Sys().CapabilitiesSelf("secret/data/a")), want)
		equal("elsewhere", must(sys.Capabilities(child.Auth.ClientToken, "secret/data/b")), []string{"deny"})
	})
	check("unsupported paths are refused", func() {
		_, err := client.Logical().Read("sys/no-such-thing")
		that(err == nil || strings.Contains(err.Error(), "unsupported path"), "got %v", err)
		_, err = client.Logical().Write("no-such-mount/a", map[string]any{"a": "b"})
		status(err, 404, `no handler for route "no-such-mount/a"`)
	})
}

func policyChecks(client *api.Client) {
	sys := client.Sys()
	const text = "# mine\npath \"secret/*\" {\n  capabilities = [\"read\"]\n}\n"
	check("policy write, read, list, delete", func() {
		noError(sys.PutPolicy("Go-Policy", text))
		equal("text", must(sys.GetPolicy("go-policy")), text)
		equal("names", must(sys.ListPolicies()), []string{"default", "go-caps", "go-policy", "root"})
		noError(sys.DeletePolicy("go-policy"))
		equal("text of none", must(sys.GetPolicy("go-policy")), "")
	})
	check("policy refusals", func() {
		status(sys.PutPolicy("bad", `path "a" { capabilities = ["fly"] }`), 400, "invalid capability")
		status(sys.PutPolicy("bad", `path "a" {`), 400, "")
		status(sys.PutPolicy("root", text), 400, "")
		status(sys.DeletePolicy("default"), 400, "")
	})
	check("default policy", func() {
		that(strings.Contains(must(sys.GetPolicy("default")), "auth/token/lookup-self"), "default lacks lookup-self")
	})
}

func mountChecks(client *api.Client) {
	sys := client.Sys()
	check("mount, list, unmount", func() {
		noError(sys.Mount("go-kv", &api.MountInput{Type: "kv", Description: "of Go", Options: map[string]string{"version": "2"}}))
		mounts := must(sys.ListMounts())
		mount := mounts["go-kv/"]
		that(mount != nil, "go-kv/ is not among %v", mounts)
		equal("type, description, version", []string{mount.Type, mount.Description, mount.Options["version"]}, []string{"kv", "of Go", "2"})
		that(mount.UUID != "" && strings.HasPrefix(mount.Accessor, "kv_"), "uuid or accessor: %+v", mount)
		for _, path := range []string{"sys/", "cubbyhole/", "secret/"} {
			that(mounts[path] != nil, "%s is not mounted", path)
		}
		_, err := sys.GetMount("go-kv")
		noError(err)
		status(sys.Mount("go-kv", &api.MountInput{Type: "kv"}), 400, "path is already in use at go-kv/")
		noError(sys.Unmount("go-kv"))
		that(must(sys.ListMounts())["go-kv/"] == nil, "go-kv/ is still there")
	})
	check("mount tune", func() {
		noError(sys.Mount("go-tune", &api.MountInput{Type: "kv-v1", Config: api.MountConfigInput{DefaultLeaseTTL: "1h"}}))
		equal("default_lease_ttl", must(sys.MountConfig("go-tune")).DefaultLeaseTTL, 3600)
		description := "tuned"
		noError(sys.TuneMount("go-tune", api.MountConfigInput{
			DefaultLeaseTTL: "10m", MaxLeaseTTL: "2h", Description: &description, ListingVisibility: "unauth",
		}))
		config := must(sys.MountConfig("go-tune"))
		equal("ttls", []int{config.DefaultLeaseTTL, config.MaxLeaseTTL}, []int{600, 7200})
		equal("visibility", config.ListingVisibility, "unauth")
		equal("description", must(sys.ListMounts())["go-tune/"].Description, description)
		noError(sys.Unmount("go-tune"))
	})
	check("mount refusals", func() {
		status(sys.Mount("go-x", &api.MountInput{Type: "no-such-engine"}), 400, "plugin not found in the catalog")
		status(sys.Mount("sys/x", &api.MountInput{Type: "kv"}), 400, `cannot mount "sys/x/"`)
	})
	check("remount", func() {
		noError(sys.Mount("go-from", &api.MountInput{Type: "kv"}))
		must(client.Logical().Write("go-from/a", map[string]any{"b": "c"}))
		noError(sys.Remount("go-from", "go-to"))
		equal("value", must(client.Logical().Read("go-to/a")).Data["b"], "c")
		noError(sys.Unmount("go-to"))
	})
	check("auth list and tune", func() {
		methods := must(sys.ListAuth())
		that(methods["token/"] != nil && methods["token/"].Type == "token", "token/ is not among %v", methods)
		equal("default_lease_ttl", must(sys.MountConfig("auth/token")).DefaultLeaseTTL, 2764800)
		status(sys.EnableAuthWithOptions("go-auth", &api.EnableAuthOptions{Type: "no-such-method"}), 400, "plugin not found in the catalog")
		noError(sys.DisableAuth("go-auth"))
	})
}

func auditChecks(client *api.Client, file string) {
	sys := client.Sys()
	check("audit enable, list, hash, disable", func() {
		noError(sys.EnableAuditWithOptions("go-file", &api.EnableAuditOptions{
			Type: "file", Description: "of Go", Options: map[string]string{"file_path": file},
		}))
		device := must(sys.ListAudit())["go-file/"]
		that(device != nil, "go-file/ is not listed")
		equal("type, file_path", []string{device.Type, device.Options["file_path"]}, []string{"file", file})
		hash := must(sys.AuditHash("go-file", "canary-value"))
		that(strings.HasPrefix(hash, "hmac-sha256:") && len(hash) == 76, "the hash is %q", hash)
		must(client.Logical().Write("secret/data/go-audited", map[string]any{"data": map[string]any{"a": "canary-value"}}))
		noError(sys.DisableAudit("go-file"))
		log := string(must(os.ReadFile(file)))
		that(strings.Contains(log, hash), "the log does not hold the hash of what was written")
		that(!strings.Contains(log, "canary-value"), "the log holds the secret itself")
		that(must(sys.ListAudit())["go-file/"] == nil, "go-file/ is still listed")
	})
}

func sealChecks(client *api.Client) {
	sys := client.Sys()
	var keys []string
	check("init", func() {
		equal("initialized", must(sys.InitStatus()), false)
		made := must(sys.Init(&api.InitRequest{SecretShares: 5, SecretThreshold: 3}))
		equal("shares", []int{len(made.Keys), len(made.KeysB64)}, []int{5, 5})
		keys = append(made.Keys[:2:2], made.KeysB64[2])
		client.SetToken(made.RootToken)
	})
	check("sealed", func() {
		health := must(sys.Health())
		equal("sealed", health.Sealed, true)
		_, err := client.Logical().Read("sys/mounts")
		status(err, 503, "Vault is sealed")
	})
	check("unseal", func() {
		_, err := sys.Unseal("neither hex nor base64 !")
		status(err, 400, "")
		equal("progress", must(sys.Unseal(keys[0])).Progress, 1)
		equal("progress after reset", must(sys.ResetUnsealProcess()).Progress, 0)
		must(sys.Unseal(keys[0]))
		must(sys.Unseal(keys[1]))
		seal := must(sys.Unseal(keys[2]))
		equal("sealed", seal.Sealed, false)
		equal("t, n", []int{seal.T, seal.N}, []int{3, 5})
	})
	check("seal and unseal keep what was stored", func() {
		noError(sys.Mount("kept", &api.MountInput{Type: "kv"}))
		must(client.Logical().Write("kept/a", map[string]any{"b": "c"}))
		noError(sys.Seal())
		equal("sealed", must(sys.SealStatus()).Sealed, true)
		for _, key := range keys {
			must(sys.Unseal(key))
		}
		equal("value", must(client.Logical().Read("kept/a")).Data["b"], "c")
	})
}
