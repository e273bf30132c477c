package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
)

type data = map[string]interface{}

func kvV1Checks(client *api.Client) {
	ctx := context.Background()
	noError(client.Sys().Mount("go-v1", &api.MountInput{Type: "kv", Options: map[string]string{"version": "1"}}))
	kv := client.KVv1("go-v1")
	check("kv v1 put, get, delete", func() {
		noError(kv.Put(ctx, "a/b", data{"text": "x", "number": json.Number("12345678901234567890"), "deep": data{"list": []any{"1", true, nil}}}))
		secret := must(kv.Get(ctx, "a/b"))
		equal("data", secret.Data, data{"text": "x", "number": json.Number("12345678901234567890"), "deep": data{"list": []any{"1", true, nil}}})
		equal("lease_duration", secret.Raw.LeaseDuration, 2764800)
		noError(kv.Delete(ctx, "a/b"))
		noError(kv.Delete(ctx, "a/b"))
		_, err := kv.Get(ctx, "a/b")
		that(errors.Is(err, api.ErrSecretNotFound), "want ErrSecretNotFound, got %v", err)
	})
	check("kv v1 refusals", func() {
		status(kv.Put(ctx, "empty", data{}), 400, "missing data fields")
		_, err := client.Logical().JSONMergePatch(ctx, "go-v1/a", data{"a": "b"})
		status(err, 405, "unsupported operation")
	})
	check("kv v1 lease", func() {
		noError(kv.Put(ctx, "lease", data{"ttl": "30m"}))
		equal("lease_duration", must(kv.Get(ctx, "lease")).Raw.LeaseDuration, 1800)
	})
}

func kvV2Checks(client *api.Client) {
	ctx := context.Background()
	kv := client.KVv2("secret")
	check("kv v2 put and get", func() {
		made := must(kv.Put(ctx, "go/a", data{"n": "1"}))
		equal("version", made.VersionMetadata.Version, 1)
		that(time.Since(made.VersionMetadata.CreatedTime).Abs() < time.Minute, "created_time is %v", made.VersionMetadata.CreatedTime)
		must(kv.Put(ctx, "go/a", data{"n": "2"}, api.WithCheckAndSet(1)))
		_, err := kv.Put(ctx, "go/a", data{"n": "3"}, api.WithCheckAndSet(1))
		status(err, 400, "check-and-set parameter did not match the current version")
		_, err = kv.Put(ctx, "go/a", data{"n": "3"}, api.WithCheckAndSet(0))
		status(err, 400, "check-and-set parameter did not match the current version")
		secret := must(kv.Get(ctx, "go/a"))
		equal("data", secret.Data, data{"n": "2"})
		equal("version", secret.VersionMetadata.Version, 2)
		equal("data of version 1", must(kv.GetVersion(ctx, "go/a", 1)).Data, data{"n": "1"})
	})
	check("kv v2 get of nothing", func() {
		_, err := kv.Get(ctx, "go/none")
		that(errors.Is(err, api.ErrSecretNotFound), "want ErrSecretNotFound, got %v", err)
		_, err = kv.GetVersion(ctx, "go/a", 77)
		that(errors.Is(err, api.ErrSecretNotFound), "want ErrSecretNotFound, got %v", err)
		_, err = kv.GetMetadata(ctx, "go/none")
		that(errors.Is(err, api.ErrSecretNotFound), "want ErrSecretNotFound, got %v", err)
	})
	check("kv v2 patch", func() {
		must(kv.Put(ctx, "go/p", data{"a": "1", "b": data{"c": "2", "d": "3"}}))
		patched := must(kv.Patch(ctx, "go/p", data{"b": data{"c": nil, "e": "4"}}, api.WithCheckAndSet(1)))
		equal("version", patched.VersionMetadata.Version, 2)
		equal("data", must(kv.Get(ctx, "go/p")).Data, data{"a": "1", "b": data{"d": "3", "e": "4"}})
		must(kv.Patch(ctx, "go/p", data{"f": "5"}, api.WithMergeMethod(api.KVMergeMethodReadWrite)))
		equal("data", must(kv.Get(ctx, "go/p")).Data, data{"a": "1", "b": data{"d": "3", "e": "4"}, "f": "5"})
		_, err := kv.Patch(ctx, "go/none", data{"a": "b"})
		that(errors.Is(err, api.ErrSecretNotFound), "want ErrSecretNotFound, got %v", err)
		_, err = kv.Patch(ctx, "go/p", data{"a": "b"}, api.WithMergeMethod(api.KVMergeMethodPatch), api.WithCheckAndSet(9))
		that(err != nil && strings.Contains(err.Error(), "check-and-set"), "want a check-and-set error, got %v", err)
	})
	check("kv v2 delete, undelete, destroy", func() {
		for _, n := range []string{"1", "2", "3"} {
			must(kv.Put(ctx, "go/d", data{"n": n}))
		}
		noError(kv.Delete(ctx, "go/d"))
		gone := must(kv.Get(ctx, "go/d"))
		that(gone.Data == nil && !gone.VersionMetadata.DeletionTime.IsZero(), "deleted version: %+v", gone)
		noError(kv.Undelete(ctx, "go/d", []int{3}))
		equal("data", must(kv.Get(ctx, "go/d")).Data, data{"n": "3"})
		noError(kv.DeleteVersions(ctx, "go/d", []int{1, 2}))
		noError(kv.Destroy(ctx, "go/d", []int{1}))
		noError(kv.Undelete(ctx, "go/d", []int{1, 2}))
		versions := must(kv.GetVersionsAsList(ctx, "go/d"))
		equal("count", len(versions), 3)
		for i, version := range versions {
			equal("version", version.Version, i+1)
			equal("destroyed", version.Destroyed, i == 0)
		}
		equal("data of version 2", must(kv.GetVersion(ctx, "go/d", 2)).Data, data{"n": "2"})
		that(must(kv.GetVersion(ctx, "go/d", 1)).Data == nil, "a destroyed version has data")
	})
	check("kv v2 rollback", func() {
		must(kv.Put(ctx, "go/r", data{"n": "1"}))
		must(kv.Put(ctx, "go/r", data{"n": "2"}))
		equal("version", must(kv.Rollback(ctx, "go/r", 1)).VersionMetadata.Version, 3)
		equal("data", must(kv.Get(ctx, "go/r")).Data, data{"n": "1"})
		noError(kv.Destroy(ctx, "go/r", []int{2}))
		_, err := kv.Rollback(ctx, "go/r", 2)
		that(err != nil, "rolled back to a destroyed version")
	})
	check("kv v2 metadata", func() {
		must(kv.Put(ctx, "go/m", data{"n": "1"}))
		noError(kv.PutMetadata(ctx, "go/m", api.KVMetadataPutInput{
			CASRequired: true, MaxVersions: 2, DeleteVersionAfter: 3*time.Hour + 25*time.Minute + 19*time.Second,
			CustomMetadata: data{"owner": "blue", "stage": "test"},
		}))
		meta := must(kv.GetMetadata(ctx, "go/m"))
		equal("cas_required, max_versions", []any{meta.CASRequired, meta.MaxVersions}, []any{true, 2})
		equal("delete_version_after", meta.DeleteVersionAfter, 3*time.Hour+25*time.Minute+19*time.Second)
		equal("custom_metadata", meta.CustomMetadata, data{"owner": "blue", "stage": "test"})
		equal("current_version, oldest_version", []int{meta.CurrentVersion, meta.OldestVersion}, []int{1, 0})
		_, err := kv.Put(ctx, "go/m", data{"n": "2"})
		status(err, 400, "check-and-set parameter required for this call")
		made := must(kv.Put(ctx, "go/m", data{"n": "2"}, api.WithCheckAndSet(1)))
		that(made.VersionMetadata.DeletionTime.After(time.Now()), "deletion_time is %v", made.VersionMetadata.DeletionTime)
		equal("custom_metadata of the answer", made.CustomMetadata, data{"owner": "blue", "stage": "test"})
		must(kv.Put(ctx, "go/m", data{"n": "3"}, api.WithCheckAndSet(2)))
		meta = must(kv.GetMetadata(ctx, "go/m"))
		equal("oldest_version", meta.OldestVersion, 2)
		equal("versions kept", len(meta.Versions), 2)
	})
	check("kv v2 metadata patch and delete", func() {
		no, none, unset := false, time.Duration(0), 0
		noError(kv.PatchMetadata(ctx, "go/m", api.KVMetadataPatchInput{CASRequired: &no, CustomMetadata: data{"owner": nil, "new": "1"}}))
		meta := must(kv.GetMetadata(ctx, "go/m"))
		equal("cas_required, max_versions", []any{meta.CASRequired, meta.MaxVersions}, []any{false, 2})
		equal("custom_metadata", meta.CustomMetadata, data{"stage": "test", "new": "1"})
		noError(kv.PatchMetadata(ctx, "go/m", api.KVMetadataPatchInput{DeleteVersionAfter: &none, MaxVersions: &unset}))
		meta = must(kv.GetMetadata(ctx, "go/m"))
		equal("max_versions", meta.MaxVersions, 0)
		// OpenBao merges a zero duration as "nothing said" and keeps the old one; the client promises a reset.
		that(meta.DeleteVersionAfter == none || isBao(), "delete_version_after is %v after its reset", meta.DeleteVersionAfter)
		noError(kv.DeleteMetadata(ctx, "go/m"))
		_, err := kv.GetMetadata(ctx, "go/m")
		that(errors.Is(err, api.ErrSecretNotFound), "want ErrSecretNotFound, got %v", err)
	})
	check("kv v2 config", func() {
		noError(client.Sys().Mount("go-v2", &api.MountInput{Type: "kv-v2"}))
		must(client.Logical().Write("go-v2/config", data{"max_versions": 4, "cas_required": true, "delete_version_after": "1h"}))
		config := must(client.Logical().Read("go-v2/config")).Data
		equal("config", []any{config["max_versions"], config["cas_required"], config["delete_version_after"]}, []any{json.Number("4"), true, "1h0m0s"})
	})
	check("kv v2 a path written as in v1", func() {
		secret := must(client.Logical().Read("secret/go/a"))
		that(secret != nil && len(secret.Warnings) == 1 && strings.Contains(secret.Warnings[0], "Invalid path for a versioned K/V secrets engine"),
			"want the warning about versioned paths, got %+v", secret)
	})
}

func listChecks(client *api.Client) {
	noError(client.KVv2("secret").DeleteMetadata(context.Background(), "golist/a"))
	must(client.KVv2("secret").Put(context.Background(), "golist/a", data{"x": "y"}))
	must(client.KVv2("secret").Put(context.Background(), "golist/b/c", data{"x": "y"}))
	check("list by GET and list=true", func() {
		equal("keys", must(client.Logical().List("secret/metadata/golist")).Data["keys"], []any{"a", "b/"})
		that(must(client.Logical().List("secret/metadata/golist/none")) == nil, "a list of nothing is not nil")
	})
	check("list by the verb LIST", func() {
		for _, path := range []string{"/v1/secret/metadata/golist", "/v1/secret/metadata/golist/"} {
			answer := must(client.RawRequest(client.NewRequest("LIST", path)))
			secret := must(api.ParseSecret(answer.Body))
			equal("keys", secret.Data["keys"], []any{"a", "b/"})
		}
	})
	check("raw read", func() {
		answer := must(client.Logical().ReadRaw("secret/data/golist/a"))
		equal("status", answer.StatusCode, 200)
		equal("content type", answer.Header.Get("Content-Type"), "application/json")
		equal("cache control", answer.Header.Get("Cache-Control"), "no-store")
	})
	check("namespace header", func() {
		answer, err := client.WithNamespace("no-such-namespace").Logical().Read("secret/data/golist/a")
		that(err != nil || answer == nil, "a namespace that is not there answered %+v", answer)
	})
}
