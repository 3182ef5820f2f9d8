// Package greeting words greetings.
package greeting

// For greets whoever has the name; nobody in particular without one.
func For(name string) string {
	if name == "" {
		name = "world"
	}
	return "Hello, " + name + ", from Go built by Loam"
}
