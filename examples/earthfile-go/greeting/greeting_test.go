package greeting

import "testing"

func TestFor(t *testing.T) {
	for name, want := range map[string]string{
		"":    "Hello, world, from Go built by Loam",
		"Ada": "Hello, Ada, from Go built by Loam",
	} {
		if got := For(name); got != want {
			t.Errorf("For(%q) = %q, want %q", name, got, want)
		}
	}
}
