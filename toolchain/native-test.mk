# Builds the engine's tests: one program for each test/native/*_test.cc, with the whole engine.
CXX ?= g++
CXXFLAGS := -std=gnu++20 -O1 -g -Wall -Wextra -Werror -fno-exceptions -fno-rtti \
  -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined -Inative -MMD -MP

engine := $(patsubst native/engine/%.cc,$(OUT)/engine/%.o,$(wildcard native/engine/*.cc))
tests := $(patsubst test/native/%.cc,$(OUT)/%,$(wildcard test/native/*_test.cc))
support := $(patsubst test/native/%.cc,$(OUT)/%.o,$(filter-out %_test.cc,$(wildcard test/native/*.cc)))

all: $(tests)

$(OUT)/engine/%.o: native/engine/%.cc
	@mkdir -p $(@D)
	$(CXX) $(CXXFLAGS) -c -o $@ $<

$(OUT)/%.o: test/native/%.cc
	@mkdir -p $(@D)
	$(CXX) $(CXXFLAGS) -c -o $@ $<

$(tests): $(OUT)/%: $(OUT)/%.o $(support) $(engine)
	$(CXX) -fsanitize=address,undefined -pthread -o $@ $^

.SECONDARY:
-include $(wildcard $(OUT)/*.d $(OUT)/engine/*.d)
