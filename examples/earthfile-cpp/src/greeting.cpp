#include "greeting.h"

std::string Greeting(std::string_view name) {
  return "Hello, " + std::string(name) + ", from an image built by Loam";
}
