#include <iostream>

#include "greeting.h"

int main() {
  const bool passed = Greeting("you") == "Hello, you, from an image built by Loam";
  std::cout << (passed ? "1 test passed\n" : "1 test failed\n");
  return passed ? 0 : 1;
}
