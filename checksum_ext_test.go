package crest_test

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/crest-go/crest"
)

func base64Of(sum []byte) string { return base64.StdEncoding.EncodeToString(sum) }

// sums of a content, by their names in Transfer.Digest.
func sums(content []byte) map[string][]byte {
	a, b, c, d := sha512.Sum512(content), sha256.Sum256(content), sha1.Sum(content), md5.Sum(content)
	return map[string][]byte{"sha512": a[:], "sha256": b[:], "sha1": c[:], "md5": d[:]}
}

// A checksum is of the whole body, however it came, and a wrong one leaves nothing under the name.
func TestDownloadDigest(t *testing.T) {
	content := noise(1000)
	for algorithm, sum := range sums(content) {
		for way, tt := range map[string]struct {
			cuts []int
			how  crest.Transfer
		}{
			"at once":     {nil, crest.Transfer{}},
			"resumed":     {[]int{300, 300}, crest.Transfer{}},
			"in parts":    {[]int{30}, crest.Transfer{Parallel: 3, PartSize: 100}},
			"begun anew":  {[]int{300}, crest.Transfer{NoResume: true}},
			"small parts": {nil, crest.Transfer{Parallel: 2, PartSize: 2000}},
		} {
			t.Run(algorithm+"/"+way, func(t *testing.T) {
				s := newStore(1000)
				s.cuts = tt.cuts
				c := resuming(t, s)
				f := newFolder(t)
				tt.how.Digest = algorithm + ":" + strings.ToUpper(hex.EncodeToString(sum))
				got, err := crest.DownloadFile(t.Context(), c, download, crest.Empty{}, f.path, crest.WithTransfer(tt.how))
				require.NoError(t, err)
				require.Equal(t, algorithm+":"+hex.EncodeToString(sum), got.Digest)
				f.holds(content)

				s.forget()
				tt.how.Digest = algorithm + ":" + hex.EncodeToString(make([]byte, len(sum)))
				f.write("", "old")
				_, err = crest.DownloadFile(t.Context(), c, download, crest.Empty{}, f.path, crest.WithTransfer(tt.how))
				fails(t, err, crest.ErrResponse, crest.KindChecksum, crest.SentYes)
				require.ErrorContains(t, err, got.Digest)
				f.holds([]byte("old"))
			})
		}
	}
}

// What an earlier call left is part of the checksum: bytes that were changed on the disk meanwhile are found.
func TestDownloadDigestOfAnOldPart(t *testing.T) {
	sum := sha256.Sum256(noise(1000))
	how := crest.WithTransfer(crest.Transfer{Digest: "sha256:" + hex.EncodeToString(sum[:])})
	for name, tamper := range map[string]bool{"as it was": false, "changed": true} {
		t.Run(name, func(t *testing.T) {
			s := newStore(1000)
			s.cuts = []int{300}
			c := resuming(t, s)
			f := newFolder(t)
			_, err := crest.DownloadFile(t.Context(), c, download, crest.Empty{}, f.path, once)
			require.Error(t, err)
			if tamper {
				f.write(".part", strings.Repeat("x", 300))
			}
			got, err := crest.DownloadFile(t.Context(), c, download, crest.Empty{}, f.path, how)
			require.Equal(t, "bytes=300-", s.asked[1].Get("Range"))
			if tamper {
				fails(t, err, crest.ErrResponse, crest.KindChecksum, crest.SentYes)
				f.has()
				return
			}
			require.NoError(t, err)
			require.NotEmpty(t, got.Digest)
			f.holds(s.content)
		})
	}
}

// The server's own checksums: the strongest that is known counts, what is not one is passed over.
func TestDownloadServersDigest(t *testing.T) {
	content := noise(1000)
	right, wrong := sums(content), sums(nil)
	for name, tt := range map[string]struct {
		headers []string
		held    string // "" for none
		ok      bool
	}{
		"Repr-Digest":               {[]string{"Repr-Digest", "sha-256=:" + base64Of(right["sha256"]) + ":"}, "sha256", true},
		"Repr-Digest, wrong":        {[]string{"Repr-Digest", "sha-256=:" + base64Of(wrong["sha256"]) + ":"}, "", false},
		"two algorithms":            {[]string{"Repr-Digest", "sha-256=:" + base64Of(wrong["sha256"]) + ":, sha-512=:" + base64Of(right["sha512"]) + ":"}, "sha512", true},
		"an unknown one as well":    {[]string{"Repr-Digest", "crc9=:AAAA:, sha-256=:" + base64Of(right["sha256"]) + ":"}, "sha256", true},
		"an unknown one alone":      {[]string{"Repr-Digest", "crc9=:AAAA:"}, "", true},
		"not a dictionary":          {[]string{"Repr-Digest", "sha-256=:"}, "", true},
		"too short to be one":       {[]string{"Repr-Digest", "sha-256=:AAAA:"}, "", true},
		"Content-Digest":            {[]string{"Content-Digest", "sha-256=:" + base64Of(right["sha256"]) + ":"}, "sha256", true},
		"Content-Digest, wrong":     {[]string{"Content-Digest", "sha-256=:" + base64Of(wrong["sha256"]) + ":"}, "", false},
		"Digest":                    {[]string{"Digest", "SHA-256=" + base64Of(right["sha256"]) + ",MD5=" + base64Of(right["md5"])}, "sha256", true},
		"Digest, wrong":             {[]string{"Digest", "SHA=" + base64Of(wrong["sha1"])}, "", false},
		"Digest of RFC 3230, SHA-1": {[]string{"Digest", "SHA=" + base64Of(right["sha1"])}, "sha1", true},
		"Content-MD5":               {[]string{"Content-MD5", base64Of(right["md5"])}, "md5", true},
		"Content-MD5, wrong":        {[]string{"Content-MD5", base64Of(wrong["md5"])}, "", false},
		"Content-MD5, garbage":      {[]string{"Content-MD5", "?"}, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			for way, cuts := range map[string][]int{"at once": nil, "resumed": {300}} {
				t.Run(way, func(t *testing.T) {
					s := newStore(1000)
					s.headers, s.cuts = tt.headers, cuts
					var out bytes.Buffer
					got, err := crest.Download(t.Context(), resuming(t, s), download, crest.Empty{}, &out)
					if !tt.ok {
						fails(t, err, crest.ErrResponse, crest.KindChecksum, crest.SentYes)
						require.ErrorContains(t, err, tt.headers[0])
						return
					}
					require.NoError(t, err)
					want := ""
					if tt.held != "" {
						want = tt.held + ":" + hex.EncodeToString(right[tt.held])
					}
					require.Equal(t, want, got.Digest)
				})
			}
		})
	}
}

// Content-Digest and Content-MD5 of a part speak of the part, and are not taken for those of the whole.
func TestDownloadDigestOfAPart(t *testing.T) {
	for _, header := range []string{"Content-MD5", "Content-Digest", "Repr-Digest"} {
		t.Run(header, func(t *testing.T) {
			s := newStore(1000)
			value := base64Of(sums(nil)["md5"])
			if header != "Content-MD5" {
				value = "md5=:" + value + ":"
			}
			s.headers = []string{header, value}
			f := newFolder(t)
			_, err := crest.DownloadFile(t.Context(), resuming(t, s), download, crest.Empty{}, f.path, inParts(2, 500))
			if header == "Repr-Digest" { // which is of the whole, wherever it stands
				fails(t, err, crest.ErrResponse, crest.KindChecksum, crest.SentYes)
				f.has()
				return
			}
			require.NoError(t, err)
			f.holds(s.content)
		})
	}
}

func TestTransferMistakes(t *testing.T) {
	for name, tt := range map[string]struct {
		how  crest.Transfer
		says string
	}{
		"unknown algorithm": {crest.Transfer{Digest: "crc32:00000000"}, "sha256, sha512, sha1 and md5"},
		"no algorithm":      {crest.Transfer{Digest: strings.Repeat("0", 64)}, "write it as sha256:"},
		"too short":         {crest.Transfer{Digest: "sha256:00"}, "64 hexadecimal digits"},
		"no digits":         {crest.Transfer{Digest: "md5:" + strings.Repeat("g", 32)}, "32 hexadecimal digits"},
		"too many parts":    {crest.Transfer{Parallel: 17}, "up to 16"},
		"fewer than none":   {crest.Transfer{Parallel: -1}, "Parallel"},
		"negative size":     {crest.Transfer{PartSize: -1}, "PartSize"},
	} {
		t.Run(name, func(t *testing.T) {
			var r recorder
			c := newClient(t, "https://api.example.com", crest.WithTransport(&r))
			_, err := crest.Download(t.Context(), c, download, crest.Empty{}, &bytes.Buffer{}, crest.WithTransfer(tt.how))
			fails(t, err, crest.ErrRequest, "", crest.SentNo)
			require.ErrorContains(t, err, tt.says)
			r.none(t)
		})
	}
	_, err := crest.New[*failure]("https://api.example.com", crest.WithTransfer(crest.Transfer{Digest: "md5:" + fmt.Sprintf("%032d", 0)}))
	require.ErrorContains(t, err, "give it to the call")
}
