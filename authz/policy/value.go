package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"time"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"

	"github.com/authmodule/authmodule/setting"
)

var errMissing = errors.New("is missing")

// converter turns Go values into those of declared types. It counts them, so that no request costs more than the limits.
type converter struct {
	limits       Limits
	count, bytes int
}

func (c *converter) value(v any, t resolved.IsType) (types.Value, error) {
	if c.count++; c.count > c.limits.Attributes {
		return nil, fmt.Errorf("the attributes have more than %d values", c.limits.Attributes)
	}
	switch t := t.(type) {
	case resolved.StringType:
		return c.text(v)
	case resolved.BoolType:
		if b, ok := v.(bool); ok {
			return types.Boolean(b), nil
		}
		if r := reflect.ValueOf(v); r.Kind() == reflect.Bool {
			return types.Boolean(r.Bool()), nil
		}
		return nil, wrongType(v, "Bool")
	case resolved.LongType:
		return long(v)
	case resolved.ExtensionType:
		return c.extension(v, string(t))
	case resolved.EntityType:
		return c.entity(v, types.EntityType(t))
	case resolved.SetType:
		return c.set(v, t.Element)
	case resolved.RecordType:
		return c.record(v, t)
	}
	return nil, fmt.Errorf("type %T is not known", t)
}

func wrongType(v any, want string) error {
	if v == nil {
		return errMissing
	}
	return fmt.Errorf("is a %T, and declared as %s", v, want)
}

// plain returns the text in v.
func (c *converter) plain(v any, want string) (string, error) {
	var s string
	switch v := v.(type) {
	case string:
		s = v
	case setting.Secret:
		s = v.Reveal()
	case nil:
		return "", errMissing
	default:
		r := reflect.ValueOf(v)
		if r.Kind() != reflect.String {
			return "", wrongType(v, want)
		}
		s = r.String()
	}
	if len(s) > c.limits.StringBytes {
		return "", fmt.Errorf("is longer than %d bytes", c.limits.StringBytes)
	}
	if c.bytes += len(s); c.bytes > c.limits.AttributeBytes {
		return "", fmt.Errorf("makes the attributes longer than %d bytes together", c.limits.AttributeBytes)
	}
	return s, nil
}

func (c *converter) text(v any) (types.Value, error) {
	s, err := c.plain(v, "String")
	if err != nil {
		return nil, err
	}
	return types.String(s), nil
}

func long(v any) (types.Value, error) {
	switch n := v.(type) {
	case int:
		return types.Long(n), nil
	case int64:
		return types.Long(n), nil
	case float64: // as JSON has numbers
		if n != math.Trunc(n) || math.Abs(n) > 1<<53 {
			return nil, errors.New("is a number with a fraction, or too large, and declared as Long")
		}
		return types.Long(n), nil
	case json.Number:
		i, err := n.Int64()
		if err != nil {
			return nil, errors.New("is a number that is no Long")
		}
		return types.Long(i), nil
	case time.Duration:
		return nil, wrongType(v, "Long; declare it as duration")
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return types.Long(r.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if r.Uint() > math.MaxInt64 {
			return nil, errors.New("is larger than a Long")
		}
		return types.Long(r.Uint()), nil
	}
	return nil, wrongType(v, "Long")
}

func (c *converter) extension(v any, name string) (types.Value, error) {
	switch v := v.(type) {
	case time.Time:
		if name == "datetime" && !v.IsZero() {
			return types.NewDatetime(v), nil
		}
	case time.Duration:
		if name == "duration" {
			return types.NewDuration(v), nil
		}
	case netip.Addr:
		if name == "ipaddr" && v.IsValid() {
			v = v.Unmap().WithZone("")
			return types.IPAddr(netip.PrefixFrom(v, v.BitLen())), nil
		}
	case netip.Prefix:
		if name == "ipaddr" && v.IsValid() {
			return types.IPAddr(v), nil
		}
	}
	s, err := c.plain(v, name)
	if err != nil {
		return nil, err
	}
	return readExtension(s, name)
}

func readExtension(s, name string) (types.Value, error) {
	var v types.Value
	var err error
	switch name {
	case "datetime":
		var t time.Time
		t, err = time.Parse(time.RFC3339Nano, s)
		v = types.NewDatetime(t)
	case "duration":
		var d time.Duration
		d, err = time.ParseDuration(s)
		v = types.NewDuration(d)
	case "ipaddr":
		v, err = types.ParseIPAddr(s)
	case "decimal":
		v, err = types.ParseDecimal(s)
	default:
		return nil, fmt.Errorf("type %s is not known", name)
	}
	if err != nil {
		return nil, errors.New("is no " + name)
	}
	return v, nil
}

func (c *converter) entity(v any, want types.EntityType) (types.Value, error) {
	typ, id := string(want), ""
	switch v := v.(type) {
	case Entity:
		typ, id = v.Type, v.ID
	case *Entity:
		if v == nil {
			return nil, errMissing
		}
		typ, id = v.Type, v.ID
	case map[string]any: // as JSON has it
		typ, _ = v["type"].(string)
		id, _ = v["id"].(string)
	default:
		s, err := c.plain(v, typ)
		if err != nil {
			return nil, err
		}
		id = s
	}
	if typ != string(want) {
		return nil, fmt.Errorf("is a %s, and declared as %s", clip(typ), want)
	}
	if id == "" || len(id) > c.limits.StringBytes {
		return nil, fmt.Errorf("is the ID of a %s, which has 1 to %d bytes", want, c.limits.StringBytes)
	}
	return types.NewEntityUID(want, types.String(id)), nil
}

func (c *converter) set(v any, element resolved.IsType) (types.Value, error) {
	r := reflect.ValueOf(v)
	if k := r.Kind(); k != reflect.Slice && k != reflect.Array {
		return nil, wrongType(v, "Set")
	}
	if r.Len() > c.limits.Elements {
		return nil, fmt.Errorf("has more than %d elements", c.limits.Elements)
	}
	all := make([]types.Value, r.Len())
	for i := range all {
		e, err := c.value(r.Index(i).Interface(), element)
		if err != nil {
			return nil, fmt.Errorf("element %d %w", i, err)
		}
		all[i] = e
	}
	return types.NewSet(all...), nil
}

func (c *converter) record(v any, shape resolved.RecordType) (types.Value, error) {
	r := reflect.ValueOf(v)
	if r.Kind() != reflect.Map || r.Type().Key().Kind() != reflect.String {
		return nil, wrongType(v, "a record")
	}
	all := make(types.RecordMap, len(shape))
	for name, declared := range shape {
		field := r.MapIndex(reflect.ValueOf(string(name)).Convert(r.Type().Key()))
		if !field.IsValid() || field.Kind() == reflect.Interface && field.IsNil() {
			if !declared.Optional {
				return nil, fmt.Errorf("has no %s", name)
			}
			continue
		}
		e, err := c.value(field.Interface(), declared.Type)
		if err != nil {
			return nil, fmt.Errorf(".%s %w", name, err)
		}
		all[name] = e
	}
	return types.NewRecord(all), nil
}
