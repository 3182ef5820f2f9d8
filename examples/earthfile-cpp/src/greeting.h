#pragma once

#include <string>
#include <string_view>

std::string Greeting(std::string_view name);
