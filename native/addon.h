// The engine as JavaScript sees it: one object per loop, watched by a single uv_poll on the
// loop's descriptor, events handed over in batches. Arguments are numbers and Buffers only; the
// TypeScript face (src/net/binding.ts) has checked them.
#ifndef SRS_ADDON_H_
#define SRS_ADDON_H_

#include <nan.h>

#include <memory>

#include "engine/loop.h"

namespace srs {

class EngineObject : public Nan::ObjectWrap {
 public:
  static void Register(v8::Local<v8::Object> exports);
  // The open loop behind `this`; nullptr (and a JavaScript error) after close().
  static Loop* LoopOf(const Nan::FunctionCallbackInfo<v8::Value>& info);

 private:
  EngineObject(v8::Local<v8::Uint8Array> slab, v8::Local<v8::Int32Array> events,
               v8::Local<v8::Function> on_events);
  ~EngineObject() override;

  static NAN_METHOD(New);
  static NAN_METHOD(Close);
  static NAN_METHOD(Stats);
  static void OnReadable(uv_poll_t* poll, int status, int events);
  static void OnDeliver(void* owner, size_t count);

  int Start();
  void Stop();

  std::unique_ptr<Loop> loop_;
  uv_poll_t* poll_ = nullptr;
  bool in_turn_ = false;
  bool closing_ = false;
  Nan::Callback on_events_;
  Nan::AsyncResource resource_;
  Nan::Persistent<v8::Uint8Array> slab_;
  Nan::Persistent<v8::Int32Array> events_;
};

// Each adds its methods to the engine's template.
void RegisterListenerMethods(v8::Local<v8::FunctionTemplate> engine);
void RegisterSocketMethods(v8::Local<v8::FunctionTemplate> engine);
void RegisterBroadcastMethods(v8::Local<v8::FunctionTemplate> engine);
// Functions that need no engine.
void RegisterSystemFunctions(v8::Local<v8::Object> exports);

inline int32_t IntOf(v8::Local<v8::Value> value) { return Nan::To<int32_t>(value).FromMaybe(0); }
inline double NumberOf(v8::Local<v8::Value> value) { return Nan::To<double>(value).FromMaybe(0); }
inline bool TruthOf(v8::Local<v8::Value> value) { return Nan::To<bool>(value).FromMaybe(false); }

// The bytes [begin, end) of a Uint8Array; false when the arguments do not describe such a range.
bool BytesOf(v8::Local<v8::Value> array, v8::Local<v8::Value> begin, v8::Local<v8::Value> end,
             const uint8_t** data, size_t* length);
// Writes numbers into the Float64Array that the caller passed, as far as it has room.
void FillNumbers(v8::Local<v8::Value> array, std::initializer_list<double> numbers);

}  // namespace srs

#endif  // SRS_ADDON_H_
