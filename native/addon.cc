#include "addon.h"

#include <algorithm>

namespace srs {

namespace {

template <typename View>
auto* DataOf(v8::Local<View> view) {
  auto* base = static_cast<uint8_t*>(view->Buffer()->GetBackingStore()->Data());
  return base + view->ByteOffset();
}

}  // namespace

bool BytesOf(v8::Local<v8::Value> array, v8::Local<v8::Value> begin, v8::Local<v8::Value> end,
             const uint8_t** data, size_t* length) {
  if (!array->IsUint8Array()) return false;
  double from = NumberOf(begin);
  double to = NumberOf(end);
  auto size = static_cast<double>(node::Buffer::Length(array));
  if (!(from >= 0 && from <= to && to <= size)) return false;
  *data = reinterpret_cast<const uint8_t*>(node::Buffer::Data(array)) + static_cast<size_t>(from);
  *length = static_cast<size_t>(to - from);
  return true;
}

void FillNumbers(v8::Local<v8::Value> array, std::initializer_list<double> numbers) {
  if (!array->IsFloat64Array()) return;
  auto view = array.As<v8::Float64Array>();
  auto* to = reinterpret_cast<double*>(DataOf(view));
  std::copy_n(numbers.begin(), std::min(numbers.size(), view->Length()), to);
}

EngineObject::EngineObject(v8::Local<v8::Uint8Array> slab, v8::Local<v8::Int32Array> events,
                           v8::Local<v8::Function> on_events)
    : on_events_(on_events), resource_("srs:engine") {
  slab_.Reset(slab);
  events_.Reset(events);
  loop_ = std::make_unique<Loop>(DataOf(slab), slab->ByteLength(),
                                 reinterpret_cast<Event*>(DataOf(events)),
                                 events->ByteLength() / sizeof(Event), OnDeliver, this);
}

EngineObject::~EngineObject() {
  slab_.Reset();
  events_.Reset();
}

int EngineObject::Start() {
  int opened = loop_->Open();
  if (opened < 0) return opened;
  poll_ = new uv_poll_t;
  int started = uv_poll_init(Nan::GetCurrentEventLoop(), poll_, loop_->descriptor());
  if (started < 0) {
    delete poll_;
    poll_ = nullptr;
    return started;
  }
  poll_->data = this;
  return uv_poll_start(poll_, UV_READABLE, OnReadable);
}

void EngineObject::Stop() {
  if (poll_ == nullptr) return;
  uv_poll_stop(poll_);
  uv_close(reinterpret_cast<uv_handle_t*>(poll_),
           [](uv_handle_t* handle) { delete reinterpret_cast<uv_poll_t*>(handle); });
  poll_ = nullptr;
  loop_.reset();
  Unref();
}

void EngineObject::OnReadable(uv_poll_t* poll, int, int) {
  auto* engine = static_cast<EngineObject*>(poll->data);
  engine->in_turn_ = true;
  engine->loop_->Turn();
  engine->in_turn_ = false;
  if (engine->closing_) engine->Stop();
}

void EngineObject::OnDeliver(void* owner, size_t count) {
  auto* engine = static_cast<EngineObject*>(owner);
  if (engine->closing_) return;
  Nan::HandleScope scope;
  v8::Local<v8::Value> arguments[] = {Nan::New(static_cast<uint32_t>(count))};
  engine->on_events_.Call(1, arguments, &engine->resource_);
}

NAN_METHOD(EngineObject::New) {
  if (!info.IsConstructCall() || !info[0]->IsUint8Array() || !info[1]->IsInt32Array() ||
      !info[2]->IsFunction()) {
    return Nan::ThrowTypeError(
        "expected new Engine(slab: Uint8Array, events: Int32Array, onEvents)");
  }
  auto* engine = new EngineObject(info[0].As<v8::Uint8Array>(), info[1].As<v8::Int32Array>(),
                                  info[2].As<v8::Function>());
  engine->Wrap(info.This());
  int started = engine->Start();
  if (started < 0) {
    engine->loop_.reset();
    return Nan::ThrowError(Nan::ErrnoException(-started, "epoll", "cannot start the event loop"));
  }
  // Lives until close(), whether or not JavaScript still holds it.
  engine->Ref();
  info.GetReturnValue().Set(info.This());
}

Loop* EngineObject::LoopOf(const Nan::FunctionCallbackInfo<v8::Value>& info) {
  auto* engine = Nan::ObjectWrap::Unwrap<EngineObject>(info.This());
  if (engine->loop_ == nullptr || engine->closing_) {
    Nan::ThrowError("the engine is closed");
    return nullptr;
  }
  return engine->loop_.get();
}

NAN_METHOD(EngineObject::Close) {
  auto* engine = Nan::ObjectWrap::Unwrap<EngineObject>(info.This());
  // From within a batch of events the loop is still on the stack.
  engine->closing_ = true;
  if (!engine->in_turn_) engine->Stop();
}

NAN_METHOD(EngineObject::Stats) {
  Loop* loop = LoopOf(info);
  if (loop == nullptr) return;
  const LoopStats& stats = loop->stats();
  FillNumbers(info[0],
              {static_cast<double>(loop->open_sockets()), static_cast<double>(stats.accepted),
               static_cast<double>(stats.turns), static_cast<double>(stats.reads),
               static_cast<double>(stats.writes), static_cast<double>(stats.bytes_received),
               static_cast<double>(stats.bytes_sent)});
}

void EngineObject::Register(v8::Local<v8::Object> exports) {
  auto engine = Nan::New<v8::FunctionTemplate>(New);
  engine->SetClassName(Nan::New("Engine").ToLocalChecked());
  engine->InstanceTemplate()->SetInternalFieldCount(1);
  Nan::SetPrototypeMethod(engine, "close", Close);
  Nan::SetPrototypeMethod(engine, "stats", Stats);
  RegisterListenerMethods(engine);
  RegisterSocketMethods(engine);
  RegisterBroadcastMethods(engine);
  Nan::Set(exports, Nan::New("Engine").ToLocalChecked(), Nan::GetFunction(engine).ToLocalChecked());
}

}  // namespace srs
