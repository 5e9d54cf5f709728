package validate

import (
	"path/filepath"
	"reflect"
	"runtime"
	"testing"

	"github.com/go-playground/validator/v10"
	"github.com/stretchr/testify/require"
)

// engineSource finds the file of the engine's rules by where one of its functions
// was compiled from.
func engineSource(t *testing.T) string {
	t.Helper()
	at := runtime.FuncForPC(reflect.ValueOf(validator.New).Pointer())
	file, _ := at.FileLine(at.Entry())
	if !filepath.IsAbs(file) {
		t.Skip("built with -trimpath: the engine's source cannot be found")
	}
	require.FileExists(t, file)
	return filepath.Join(filepath.Dir(file), "baked_in.go")
}
