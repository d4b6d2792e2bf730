package transport

// ParseCertificateHeader is the parser of certificate headers, for its fuzz target.
var ParseCertificateHeader = parseCertificateHeader
